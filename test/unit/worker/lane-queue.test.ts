/** One piece of work at a time; who comes next is chosen when the last one has ended. */
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { Lane } from '../../../packages/sdk/src/contract/index.js'
import { createDeferred, neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { LaneQueue, type Turn } from '../../../packages/sdk/src/worker/lane-queue.js'

const turn = (lane: Lane = 'default', model = 'model', signal = neverAborted()): Turn => ({ lane, model, signal })

/** A queue that is busy until `open` is called, and the names of what has been started since, in order. */
function busyQueue() {
  const queue = new LaneQueue()
  const gate = createDeferred<undefined>()
  const started: string[] = []
  const done: Promise<unknown>[] = [queue.run(turn(), () => gate.promise)]
  const add = (name: string, lane?: Lane, model?: string, signal?: AbortSignal) => {
    const work = () => Promise.resolve(void started.push(name))
    done.push(queue.run(turn(lane, model, signal), work).catch(() => undefined))
  }
  const open = async () => {
    gate.resolve(undefined)
    await Promise.all(done)
    return started
  }
  return { queue, add, open, started }
}

describe('work waits for its turn', () => {
  it('runs one piece at a time, and what is of one lane and model in the order in which it came', async () => {
    const queue = new LaneQueue()
    const log: string[] = []
    const work = (name: string) => async () => {
      log.push(`${name} starts`)
      await Promise.resolve()
      log.push(`${name} ends`)
      return name
    }
    expect(await Promise.all([queue.run(turn(), work('first')), queue.run(turn(), work('second'))])).toEqual([
      'first',
      'second',
    ])
    expect(log).toEqual(['first starts', 'first ends', 'second starts', 'second ends'])
  })

  it('hears who came during a run before the next run of the same request starts', async () => {
    const queue = new LaneQueue()
    const started: string[] = []
    const { port1: page, port2: worker } = new MessageChannel()
    let interactive: Promise<unknown> = Promise.resolve()
    worker.onmessage = () => {
      interactive = queue.run(turn('interactive'), () => Promise.resolve(started.push('i')))
    }
    const batch = (name: string) => queue.run(turn('background'), () => Promise.resolve(started.push(name)))
    // The message is there when the first batch ends, and the second batch is asked for at once.
    page.postMessage(undefined)
    await batch('first')
    await batch('second')
    await interactive
    expect(started).toEqual(['first', 'i', 'second'])
    page.close()
  })

  it('lets the interactive lane go before the default one, and that before the background', async () => {
    const { add, open } = busyQueue()
    add('b', 'background')
    add('d', 'default')
    add('i', 'interactive')
    expect(await open()).toEqual(['i', 'd', 'b'])
  })

  it('lets an interactive run in between the runs of a background request that is under way', async () => {
    const queue = new LaneQueue()
    const log: string[] = []
    const background = async () => {
      for (let run = 1; run <= 3; run += 1) {
        await queue.run(turn('background'), () => {
          log.push(`background ${run}`)
          // It comes while this run blocks the thread: the message is there when the run has ended.
          if (run === 1) port2.postMessage(undefined)
          return Promise.resolve()
        })
      }
    }
    const { port1, port2 } = new MessageChannel()
    const interactive = new Promise<void>((resolve) => {
      port1.onmessage = () => {
        port1.close()
        void queue.run(turn('interactive'), () => Promise.resolve(void log.push('interactive'))).then(resolve)
      }
    })
    await Promise.all([background(), interactive])
    expect(log).toEqual(['background 1', 'interactive', 'background 2', 'background 3'])
  })

  it('lets the models of a lane take turns, whoever has more', async () => {
    const { add, open } = busyQueue()
    for (const name of ['a1', 'a2', 'a3']) add(name, 'default', 'a')
    for (const name of ['b1', 'b2']) add(name, 'default', 'b')
    add('c1', 'default', 'c')
    expect(await open()).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  })

  it('goes in the lane that it is of by then: what somebody waits for meanwhile is not behind all others any more', async () => {
    const { queue, add, open, started } = busyQueue()
    let lane: Lane = 'background'
    const rising: Turn = {
      model: 'rising',
      signal: neverAborted(),
      get lane() {
        return lane
      },
    }
    const risen = queue.run(rising, () => Promise.resolve(void started.push('risen')))
    add('b', 'background')
    add('d1', 'default')
    lane = 'default'
    add('d2', 'default')
    await open()
    await risen
    expect(started).toEqual(['d1', 'risen', 'd2', 'b'])
  })

  it('tells how long it waited, when it had to', async () => {
    const queue = new LaneQueue()
    const gate = createDeferred<undefined>()
    const [first, second] = [vi.fn(), vi.fn()]
    const done = [
      queue.run({ ...turn(), onWaited: first }, () => gate.promise),
      queue.run({ ...turn(), onWaited: second }, () => Promise.resolve()),
    ]
    gate.resolve(undefined)
    await Promise.all(done)
    expect(first).not.toHaveBeenCalled()
    expect(second.mock.calls).toEqual([[expect.any(Number)]])
  })
})

describe('work that nobody waits for any more', () => {
  it('leaves at once, and is never started', async () => {
    const { queue, open, started } = busyQueue()
    const caller = new AbortController()
    const work = vi.fn(() => Promise.resolve())
    const waiting = queue.run(turn('default', 'model', caller.signal), work)
    caller.abort('gone')
    // The queue is still busy.
    await expect(waiting).rejects.toBe('gone')
    await open()
    expect([work.mock.calls, started]).toEqual([[], []])
  })

  it('leaves the lane in which it came, also when it would now come in another', async () => {
    const { queue, open } = busyQueue()
    const caller = new AbortController()
    let lane: Lane = 'background'
    const changing: Turn = {
      model: 'model',
      signal: caller.signal,
      get lane() {
        return lane
      },
    }
    const work = vi.fn(() => Promise.resolve())
    const waiting = queue.run(changing, work)
    lane = 'default'
    caller.abort('gone')
    await expect(waiting).rejects.toBe('gone')
    await open()
    expect(work).not.toHaveBeenCalled()
  })

  it('is not taken by a queue that is free either', async () => {
    const work = vi.fn(() => Promise.resolve())
    await expect(new LaneQueue().run(turn('default', 'model', AbortSignal.abort('gone')), work)).rejects.toBe('gone')
    expect(work).not.toHaveBeenCalled()
  })
})

it('goes on after a failure, which only its own caller hears', async () => {
  const queue = new LaneQueue()
  const failure = new Error('failure')
  const failing = queue.run(turn(), () => Promise.reject(failure))
  const throwing = queue.run(turn(), () => {
    throw failure
  })
  const next = queue.run(turn(), () => Promise.resolve('next'))
  await expect(failing).rejects.toBe(failure)
  await expect(throwing).rejects.toBe(failure)
  expect(await next).toBe('next')
})

it('whatever waits: every piece that nobody takes back runs once, lanes in order, models within one apart', async () => {
  const lane = fc.constantFrom<Lane>('interactive', 'default', 'background')
  const piece = fc.record({ lane, model: fc.constantFrom('a', 'b', 'c'), leaves: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
      const { add, open } = busyQueue()
      const gone = new AbortController()
      pieces.forEach(({ lane, model, leaves }, index) =>
        add(String(index), lane, model, leaves ? gone.signal : neverAborted()),
      )
      gone.abort()
      const order = (await open()).map((name) => ({ index: Number(name), ...pieces[Number(name)] }))
      expect(order.map(({ index }) => index).sort((a, b) => a - b)).toEqual(
        pieces.flatMap(({ leaves }, index) => (leaves ? [] : [index])),
      )
      const lanes = (['interactive', 'default', 'background'] as const).map((name) =>
        order.filter((ran) => ran.lane === name),
      )
      expect(order).toEqual(lanes.flat())
      for (const ran of lanes) expectFairness(ran)
    }),
    { numRuns: 50 },
  )
})

/** In order within each model; and while a model has work left, no other has been served more than once more than it. */
function expectFairness(ran: readonly { readonly index: number; readonly model?: string }[]): void {
  const served = new Map<string | undefined, number>()
  ran.forEach(({ model, index }, position) => {
    const later = ran.slice(position + 1).filter((other) => other.model === model)
    expect(later.every((other) => other.index > index)).toBe(true)
    served.set(model, (served.get(model) ?? 0) + 1)
    for (const other of new Set(ran.slice(position + 1).map((left) => left.model))) {
      expect((served.get(model) ?? 0) - (served.get(other) ?? 0)).toBeLessThanOrEqual(1)
    }
  })
}
