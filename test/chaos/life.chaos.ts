/** Failures of a page's life: it is killed, hidden, frozen. */
import { expect, failure, recovers } from './support/failure.js'
import { codesOf, placesOf } from './support/outcome.js'

const hour = 3_600_000

failure(
  {
    row: 8,
    name: 'The system kills the page while a model is loading, again and again, as iOS does',
    user: 'the page is gone once; from then on the endpoint answers for that model',
    edgeward:
      'writes down what is being loaded and strikes it out after: what killed a page rests for an hour at first, then longer',
    injected: 'Chromium: `Page.crash` by the DevTools protocol, while a session is being made',
  },
  async (world) => {
    const before = await world.visit()
    await before.ask({ tensors: 3 })
    world.site.faults = { 'create-hangs': 1 }
    const doomed = await world.visit({ faulty: true })
    doomed.ask({ texts: 1 }).catch(() => undefined) // It goes with its page.
    await expect.poll(() => doomed.evaluate('world.phase')).toBe('session')
    await doomed.crash()
    const after = await world.visit()
    const during = await after.ask({ texts: 2, tensors: 2 })
    expect([placesOf(during), codesOf(during)]).toEqual([['wasm', 'endpoint'], []])
    const { ruledOut } = await after.call('explain', 'all-minilm-l6-v2')
    expect(ruledOut).toContainEqual(expect.objectContaining({ reason: expect.stringContaining('killed') }))
    await after.later(hour)
    await recovers(after, 'wasm', { texts: 1 })
  },
)

failure(
  {
    row: 28,
    name: 'The page is hidden or frozen for hours; its GPU, its worker or its network may be gone when it comes back',
    user: 'answers; what was under way when it froze is answered when it comes back',
    edgeward: 'relies on no timer of the page; looks at everything again when the page is seen',
    injected:
      'Chromium: `Page.setWebLifecycleState` by the DevTools protocol; the worker ends while the page is frozen',
  },
  async (world) => {
    const visit = await world.visit({ faulty: true })
    await visit.ask()
    const session = await visit.session()
    const asking = visit.ask({ texts: 2, tensors: 6 })
    await session.send('Page.setWebLifecycleState', { state: 'frozen' })
    const other = await world.visit()
    await other.evaluate("void new BroadcastChannel('chaos').postMessage({ faults: { 'end-worker': 1 } })")
    await other.ask({ tensors: 3 })
    await session.send('Page.setWebLifecycleState', { state: 'active' })
    await asking
    await expect.poll(() => visit.health()).toContain('worker lost')
    await visit.later(hour)
    await recovers(visit, 'wasm', { texts: 1, tensors: 2 })
  },
)
