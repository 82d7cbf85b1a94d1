/** Failures of the worker, and of what runs in it. */
import { expect, failure } from './support/failure.js'
import { codesOf, placesOf } from './support/outcome.js'

failure(
  {
    row: 12,
    name: 'Many requests at once for the same model',
    user: 'answers, one after the other',
    edgeward: 'queues them: one run at a time in each session',
    injected: 'Chromium: 24 requests for two models in the same moment, while the first ones load',
  },
  async (world) => {
    const visit = await world.visit()
    const [first, second] = await Promise.all([
      visit.ask({ texts: 6, tensors: 6 }),
      visit.ask({ texts: 6, tensors: 6 }),
    ])
    const after = await visit.ask()
    const all = [...first, ...second, ...after]
    expect(codesOf(all)).toEqual([])
    expect(placesOf(all)).toEqual(['wasm'])
    expect(await visit.events('fallback')).toEqual([])
  },
)
