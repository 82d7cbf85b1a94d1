/** Failures of endpoints, and of the way to them. */
import { chromium } from 'playwright'
import { chromiumArgs, findChromium } from '../../scripts/lib/chromium.mjs'
import { expect, failure, recovers } from './support/failure.js'
import { answersAfter, answersStatus, cutsAfter, hangs, refuses, sendsGarbage } from './support/misbehaviour.js'
import { codesOf, placesOf, type Outcome } from './support/outcome.js'
import { World } from './support/world.js'

const remoteFirst = { policy: { prefer: 'remote' } } as const
const tensors = { tensors: 3 }
const minute = 60_000

/** What is known of why the endpoint did not answer. */
const reasonsOf = (outcomes: readonly Outcome[]) =>
  outcomes.flatMap((outcome) => ('attempts' in outcome ? outcome.attempts.map(({ details }) => details['reason']) : []))

/** A browser for which the site is on the internet, and the endpoint on the user's own machine. */
async function worldOnTheInternet(world: World): Promise<World> {
  const { port } = new URL(world.site.url)
  const url = `http://app.example:${port}`
  const executablePath = findChromium()
  const browser = await chromium.launch({
    args: [
      ...chromiumArgs,
      '--host-resolver-rules=MAP app.example 127.0.0.1',
      `--ip-address-space-overrides=127.0.0.1:${port}=public`,
      `--unsafely-treat-insecure-origin-as-secure=${url}`,
    ],
    ...(executablePath !== undefined && { executablePath }),
  })
  world.atEnd(() => browser.close())
  return new World(await browser.newContext(), { ...world.site, url }, world.endpoint)
}

failure(
  {
    row: 31,
    name: 'The browser asks the user before a site may reach an endpoint on their machine or network',
    user: 'answers from the device, until they allow it',
    edgeward: 'says `permission` as the reason why the endpoint did not answer (`details.reason`)',
    injected:
      'Chromium: launched so that the site counts as public; Local Network Access is granted, asked for, granted',
  },
  async (world) => {
    const away = await worldOnTheInternet(world)
    const allow = () => away.context.grantPermissions(['local-network-access'])
    await allow()
    const visit = await away.visit(remoteFirst)
    const before = await visit.ask(tensors)
    expect([placesOf(before), codesOf(before)]).toEqual([['endpoint'], []])
    await away.context.clearPermissions()
    await visit.open(remoteFirst)
    const during = await visit.ask(tensors)
    expect([placesOf(during), codesOf(during)]).toEqual([['wasm'], ['REMOTE_UNREACHABLE']])
    expect(reasonsOf(during)).toContain('permission')
    await allow()
    await visit.later(minute)
    await recovers(visit, 'endpoint')
    world.outcomes.push(...away.outcomes)
    world.visits.push(...away.visits)
  },
)

failure(
  {
    row: 32,
    name: 'The endpoint is down',
    user: 'answers from the device',
    edgeward: 'lets the endpoint rest, longer each time, and asks it again with one request at a time',
    injected: 'Chromium: the way to the endpoint closes every connection',
  },
  async (world) => {
    const visit = await world.visit(remoteFirst)
    const before = await visit.ask(tensors)
    expect([placesOf(before), codesOf(before)]).toEqual([['endpoint'], []])
    world.endpoint.misbehave(/./, refuses)
    const during = [...(await visit.ask()), ...(await visit.ask())]
    expect([placesOf(during), codesOf(during)]).toEqual([['wasm'], ['REMOTE_UNREACHABLE']])
    expect(await visit.health()).toContain('endpoint lost')
    world.heal()
    await visit.later(minute)
    await recovers(visit, 'endpoint')
    expect(await visit.health()).toContain('endpoint recovered')
  },
)

failure(
  {
    row: 33,
    name: 'The endpoint takes requests and never answers, or answers late',
    user: 'answers from the device when the endpoint’s time is over; late answers as they are',
    edgeward:
      'gives each request to an endpoint a limit of time (`timeoutMs`), and all tries together the request’s deadline',
    injected: 'Chromium: the way to the endpoint holds requests for ever, then for half a second',
  },
  async (world) => {
    const visit = await world.visit({ ...remoteFirst, endpointMs: 2_000 })
    await visit.ask(tensors)
    world.endpoint.misbehave(/\/infer/, hangs)
    const during = await visit.ask(tensors)
    expect([placesOf(during), codesOf(during)]).toEqual([['wasm'], ['REMOTE_UNREACHABLE']])
    expect(reasonsOf(during)).toContain('timeout')
    world.heal()
    world.endpoint.misbehave(/\/infer/, answersAfter(500))
    await visit.later(minute)
    await recovers(visit, 'endpoint')
  },
)

failure(
  {
    row: 34,
    name: 'The endpoint’s answer is garbage, or cut off',
    user: 'answers from the device',
    edgeward: 'takes nothing of an answer that is not whole and right: it is an error, never a result',
    injected: 'Chromium: the way to the endpoint sends another body, then cuts the connection in the middle of it',
  },
  async (world) => {
    const visit = await world.visit(remoteFirst)
    await visit.ask(tensors)
    world.endpoint.misbehave(/\/infer/, sendsGarbage)
    const garbage = await visit.ask({ tensors: 1 })
    expect([placesOf(garbage), codesOf(garbage)]).toEqual([['wasm'], ['REMOTE_MALFORMED']])
    world.heal()
    await visit.later(minute)
    await recovers(visit, 'endpoint')
    world.endpoint.misbehave(/\/infer/, cutsAfter(0.5))
    const cut = await visit.ask({ tensors: 1 })
    expect([placesOf(cut), codesOf(cut)]).toEqual([['wasm'], ['REMOTE_UNREACHABLE']])
    world.heal()
    await visit.later(minute)
    await recovers(visit, 'endpoint')
  },
)

failure(
  {
    row: 35,
    name: 'The endpoint is overloaded',
    user: 'answers from the device',
    edgeward: 'asks elsewhere at once, and leaves the endpoint alone for as long as `Retry-After` says, within bounds',
    injected: 'Chromium: status 503 with `Retry-After: 2`',
  },
  async (world) => {
    const visit = await world.visit(remoteFirst)
    await visit.ask(tensors)
    world.endpoint.misbehave(/\/infer/, answersStatus(503, { 'Retry-After': '2' }))
    const during = await visit.ask(tensors)
    expect([placesOf(during), codesOf(during)]).toEqual([['wasm'], ['REMOTE_OVERLOADED']])
    world.heal()
    await visit.later(minute)
    await recovers(visit, 'endpoint')
  },
)
