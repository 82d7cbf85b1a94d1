/** What is learnt from attempts and loads, and what is not. */
import { describe, expect, it } from 'vitest'
import { Knowledge } from '../../../packages/sdk/src/api/knowledge.js'
import { Learning } from '../../../packages/sdk/src/api/learning.js'
import type { Planned } from '../../../packages/sdk/src/api/planner.js'
import type { EdgewardEvents, TaskName } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import type { Tried } from '../../../packages/sdk/src/router/index.js'
import { Emitter } from '../../../packages/sdk/src/telemetry/index.js'
import { anywhere, cpuOnly, endpoint, everywhere } from '../router/inputs.js'
import { remote, wasm } from './fake-client.js'

const planned: Planned = {
  model: 'model',
  task: 'feature-extraction',
  policy: anywhere,
  capabilities: cpuOnly,
  source: { manifest: everywhere, manifestUrl: 'https://models.example/model/manifest.json' },
  planned: { model: 'model', placements: [], ruledOut: [], shifts: [] },
}

function setUp() {
  const knowledge = new Knowledge(
    {
      recall: () => Promise.resolve({ records: [] }),
      remember: () => Promise.resolve(),
      benchmark: () => Promise.reject(new Error('nothing is measured here')),
    },
    1,
  )
  const emitter = new Emitter<EdgewardEvents>()
  const learning = new Learning(knowledge, emitter)
  learning.planned(planned)
  const tried = (change: Partial<Tried>) => {
    learning.tried(
      planned,
      { placement: wasm, startedAt: 0, durationMs: 500, outcome: 'answered', isHedge: false, ...change },
      10,
    )
    learning.settle()
  }
  const onDevice = (task: TaskName = 'feature-extraction') =>
    knowledge.ofDevice(everywhere, task, cpuOnly, ['wasm']).get('wasm/fp32')
  const atEndpoint = () => knowledge.ofEndpoint(endpoint, 'model', 'feature-extraction')
  const resting = () => knowledge.resting(everywhere, cpuOnly).get('wasm/fp32')
  return { learning, emitter, tried, onDevice, atEndpoint, resting }
}

describe('of an attempt', () => {
  it('on the device counts the work, without loading and waiting; at an endpoint, all of it', () => {
    const { tried, onDevice, atEndpoint } = setUp()
    const timings = { loadMs: 300, queueMs: 100, preprocessMs: 1, inferenceMs: 8, postprocessMs: 1 }
    tried({ timings })
    tried({ timings: { inferenceMs: 8 }, placement: remote })
    expect(predicted(onDevice()?.run)).toBeCloseTo(10)
    expect(predicted(atEndpoint().measurements?.run)).toBeCloseTo(500)
  })

  it('that was late and lost counts as long as it was watched; the hedge that lost, and a batch, do not', () => {
    const { tried, onDevice, atEndpoint } = setUp()
    tried({ outcome: 'cancelled', isHedge: true })
    tried({ timings: { inferenceMs: 80, batchedRequests: 4 } })
    tried({ outcome: 'aborted' })
    tried({ outcome: 'RUN_FAILED' })
    expect(onDevice()?.run).toBeUndefined()
    tried({ outcome: 'cancelled' })
    expect(predicted(onDevice()?.run)).toBeCloseTo(500)
    tried({ outcome: 'DEADLINE_EXCEEDED', placement: remote })
    expect(predicted(atEndpoint().measurements?.run)).toBeCloseTo(500)
  })

  it('whose end nobody saw is no sign of speed, however short the time was', () => {
    const { tried, atEndpoint } = setUp()
    tried({ placement: remote })
    for (let times = 0; times < 5; times += 1) {
      tried({ outcome: 'DEADLINE_EXCEEDED', placement: remote, durationMs: 10 })
      tried({ outcome: 'cancelled', placement: remote, durationMs: 20 })
    }
    expect(predicted(atEndpoint().measurements?.run)).toBeCloseTo(500)
  })

  it('that computed wrongly rules the placement out', () => {
    const { tried, onDevice } = setUp()
    tried({ outcome: 'CANARY_FAILED', message: 'y is 3, should be 2' })
    expect(onDevice()?.verdict).toMatchObject({ code: 'CANARY_FAILED', reason: 'y is 3, should be 2' })
  })

  it('that an endpoint failed lets it rest, until it answers', () => {
    const { tried, atEndpoint } = setUp()
    tried({ placement: remote, outcome: 'REMOTE_OVERLOADED', retryAfterMs: 5_000 })
    expect(atEndpoint()).toMatchObject({ resting: { code: 'REMOTE_OVERLOADED' }, load: { utilization: 1 } })
    tried({ placement: remote })
    expect(atEndpoint().resting).toBeUndefined()
  })
})

it('nothing is learnt for one task from the runs of another; what rules the placement out counts for all', () => {
  const { tried, onDevice } = setUp()
  tried({ timings: { inferenceMs: 8 } })
  expect(onDevice('tensors')).toBeUndefined()
  tried({ outcome: 'CANARY_FAILED' })
  expect(onDevice('tensors')?.verdict).toMatchObject({ code: 'CANARY_FAILED' })
})

describe('of a load', () => {
  const progress = { model: 'model', phase: 'session', loadedBytes: 100, totalBytes: 100 } as const

  it.each([
    ['counts when everything was in the cache', 100, 700],
    ['does not count when something was fetched', 60, undefined],
  ])('%s', (_, cachedBytes, typical) => {
    const { emitter, onDevice } = setUp()
    emitter.emit('download', { ...progress, cachedBytes })
    emitter.emit('ready', { model: 'model', placement: wasm, loadMs: 700 })
    expect(onDevice()?.loadMs?.typical).toBe(typical)
  })
})

function predicted(run: { readonly fixedMs: number; readonly unitMs: number } | undefined): number {
  return run === undefined ? NaN : run.fixedMs + 10 * run.unitMs
}

describe('a failure', () => {
  it('of the device lets its placement rest, until it answers; an abort says nothing', () => {
    const { tried, resting } = setUp()
    tried({ outcome: 'aborted' })
    tried({ outcome: 'cancelled' })
    expect(resting()).toBeUndefined()
    tried({ outcome: 'OUT_OF_MEMORY', message: 'no room' })
    expect(resting()).toMatchObject({ code: 'OUT_OF_MEMORY', reason: 'no room' })
    tried({ outcome: 'answered' })
    expect(resting()).toBeUndefined()
  })

  it.each(['left', 'replaced'])(
    'because the worker was ended in good order (%s) says nothing of the placement',
    (why) => {
      const { learning, tried, resting } = setUp()
      const error = new EdgewardError('WORKER_DIED', 'ended', { details: { [why]: true } })
      for (let times = 0; times < 3; times += 1) {
        tried({ outcome: 'WORKER_DIED', details: error.details, durationMs: 0 })
        learning.failedBeside(planned, wasm, error, 0)
      }
      expect(resting()).toBeUndefined()
    },
  )

  it('of a second run counts like any other: what kills the worker each time is not measured again and again', () => {
    const { learning, resting } = setUp()
    const error = new EdgewardError('WORKER_DIED', 'it crashed')
    const about = { purpose: 'remeasure', model: 'model', task: 'feature-extraction', answered: remote } as const
    const run = { ...about, placement: wasm, ms: 0, result: { state: 'failed', error } } as const
    for (let times = 0; times < 2; times += 1) learning.ranAgain(planned, run, 1)
    expect(resting()).toMatchObject({ code: 'WORKER_DIED' })
  })

  it('of an endpoint lets it rest, until it answers', () => {
    const { tried, atEndpoint, resting } = setUp()
    tried({ placement: remote, outcome: 'REMOTE_UNREACHABLE' })
    expect(atEndpoint().resting).toMatchObject({ code: 'REMOTE_UNREACHABLE' })
    expect(resting()).toBeUndefined()
    tried({ placement: remote, outcome: 'answered' })
    expect(atEndpoint().resting).toBeUndefined()
  })

  it('of a load in the background lets its placement rest, too', () => {
    const { learning, resting, onDevice } = setUp()
    learning.failedBeside(planned, wasm, new EdgewardError('SESSION_FAILED', 'no session'), 5)
    expect(resting()).toMatchObject({ code: 'SESSION_FAILED' })
    learning.failedBeside(planned, wasm, new EdgewardError('CANARY_FAILED', 'wrong numbers'), 5)
    expect(onDevice()?.verdict).toMatchObject({ code: 'CANARY_FAILED' })
  })
})
