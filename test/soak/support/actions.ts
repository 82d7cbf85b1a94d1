/** How each fault is made to happen, and how it ends. */
import { answersAfter, answersStatus, hangs, refuses, sendsGarbage } from '../../chaos/support/misbehaviour.js'
import type { Faults } from '../../chaos/support/site.js'
import type { FaultName } from './schedule.js'
import { options, type Stage } from './stage.js'
import { Tab } from './tab.js'

/** Ends a fault. */
type End = () => Promise<void> | void

/** Makes each fault happen; resolves with what ends it, when it has not ended already. */
export const actions: Readonly<Record<FaultName, (stage: Stage) => Promise<End>>> = {
  'the worker ends': (stage) => strike(stage, { 'end-worker': 1 }),
  'the worker hangs': (stage) => strike(stage, { 'run-hangs': 1 }),
  'the GPU is lost': (stage) => strike(stage, { 'lose-gpu': 1 }),
  'a run is out of memory': (stage) => strike(stage, { 'run-throws-bad-alloc': 1 }),
  'a run throws a number': (stage) => strike(stage, { 'run-throws-number': 1 }),
  'the site’s data is cleared': async ({ main, world }) => {
    await main.session.send('Storage.clearDataForOrigin', { origin: world.site.url, storageTypes: 'all' })
    return nothing
  },
  'a stored chunk is spoilt, and the worker ends': async (stage) => {
    await stage.main.visit.evaluate('soak.corruptChunk()')
    return strike(stage, { 'end-worker': 1 })
  },
  'the quota is used up': async ({ main, world }) => {
    const { url: origin } = world.site
    await main.session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1_000_000 })
    return async () => {
      await main.session.send('Storage.overrideQuotaForOrigin', { origin })
    }
  },
  'a tab is reloaded': async ({ other, aheadMs }) => {
    await other.reload(aheadMs)
    return nothing
  },
  'a tab is frozen': async ({ other }) => {
    await other.session.send('Page.setWebLifecycleState', { state: 'frozen' })
    return async () => {
      await other.session.send('Page.setWebLifecycleState', { state: 'active' })
    }
  },
  'a tab comes and goes': async ({ world, aheadMs }) => {
    const tab = await Tab.open(world, 'third tab', [], { ...options, before: `world.later(${aheadMs})` })
    const asked = { number: 0, index: 0, lane: 'default', policy: {} } as const
    void Promise.all([tab.send({ ...asked, kind: 'text' }), tab.send({ ...asked, kind: 'tensor' })])
    return () => tab.close()
  },
  'the endpoint is down': async ({ endpoint }) => endpoint.becomes(refuses),
  'the endpoint is overloaded': async ({ endpoint }) =>
    endpoint.becomes(answersStatus(503, { 'Retry-After': '1', 'Access-Control-Expose-Headers': 'Retry-After' })),
  'the endpoint answers garbage': async ({ endpoint }) => endpoint.becomes(sendsGarbage),
  'the endpoint says nothing': async ({ endpoint }) => endpoint.becomes(hangs),
  'the endpoint is slow': async ({ endpoint }) => endpoint.becomes(answersAfter(1_500)),
  'the network is slow': async ({ endpoint, site }) => both(endpoint.becomes(slowly), site.becomes(slowly)),
  'the site is down': async ({ site }) => site.becomes(refuses),
  'the network is cut': async ({ context, endpoint, site }) => {
    const ends = both(endpoint.becomes(refuses), site.becomes(refuses))
    await context.setOffline(true)
    return async () => {
      ends()
      await context.setOffline(false)
    }
  },
}

const slowly = answersAfter(400)
const nothing = () => undefined

function both(first: () => void, second: () => void): () => void {
  return () => {
    first()
    second()
  }
}

/** Tells the workers of all tabs; what has not happened when it ends never will. */
async function strike({ main }: Stage, faults: Faults): Promise<End> {
  const tell = async (told: Faults) => {
    // A worker that is just being replaced hears nothing.
    await main.visit.strike(told).catch((error: unknown) => {
      if (!String(error).includes('no worker heard')) throw error
    })
  }
  await tell(faults)
  if ('end-worker' in faults || 'lose-gpu' in faults) return nothing
  return () => tell(Object.fromEntries(Object.keys(faults).map((name) => [name, 0])))
}
