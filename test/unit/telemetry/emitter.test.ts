/** Events: every listener hears them, and none can disturb another or the request. */
import { expect, it, vi } from 'vitest'
import { Emitter } from '../../../packages/sdk/src/telemetry/index.js'

interface Events {
  count: number
  text: string
}

it('tells every listener of the event, and nobody else', () => {
  const emitter = new Emitter<Events>()
  const [first, second, other] = [vi.fn(), vi.fn(), vi.fn()]
  emitter.on('count', first)
  emitter.on('count', second)
  emitter.on('text', other)
  emitter.emit('count', 1)
  expect([first.mock.calls, second.mock.calls, other.mock.calls]).toEqual([[[1]], [[1]], []])
})

it('stops telling when the undo is called, also twice', () => {
  const emitter = new Emitter<Events>()
  const listener = vi.fn()
  const stop = emitter.on('count', listener)
  stop()
  stop()
  emitter.emit('count', 1)
  expect(listener).not.toHaveBeenCalled()
})

it('takes a listener that is registered twice for two, with an undo each', () => {
  const emitter = new Emitter<Events>()
  const listener = vi.fn()
  const stop = emitter.on('count', listener)
  emitter.on('count', listener)
  emitter.emit('count', 1)
  stop()
  emitter.emit('count', 2)
  expect(listener.mock.calls).toEqual([[1], [1], [2]])
})

it('lets a listener that throws disturb nobody, and brings its error to the page', async () => {
  const emitter = new Emitter<Events>()
  const failure = new Error('a listener failed')
  const uncaught: unknown[] = []
  // Vitest listens to uncaught errors too, and would count this one against the run.
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', (error) => uncaught.push(error))
  try {
    const later = vi.fn()
    emitter.on('count', () => {
      throw failure
    })
    emitter.on('count', later)
    expect(() => emitter.emit('count', 1)).not.toThrow()
    expect(later).toHaveBeenCalledOnce()
    await new Promise((resolve) => setImmediate(resolve))
    expect(uncaught).toEqual([failure])
  } finally {
    for (const listener of listeners) process.on('uncaughtException', listener)
  }
})

it('does not tell a listener that another one has just removed', () => {
  const emitter = new Emitter<Events>()
  const removed = vi.fn()
  emitter.on('count', () => stop())
  const stop = emitter.on('count', removed)
  emitter.emit('count', 1)
  expect(removed).not.toHaveBeenCalled()
})

it('tells a listener that listens anew while it is called only the next event', () => {
  const emitter = new Emitter<Events>()
  const heard: number[] = []
  const listen = () => {
    const stop = emitter.on('count', (count) => {
      heard.push(count)
      stop()
      listen()
    })
  }
  listen()
  emitter.emit('count', 1)
  emitter.emit('count', 2)
  expect(heard).toEqual([1, 2])
})

it('tells nobody after it was cleared', () => {
  const emitter = new Emitter<Events>()
  const listener = vi.fn()
  emitter.on('count', listener)
  emitter.clear()
  emitter.emit('count', 1)
  expect(listener).not.toHaveBeenCalled()
})
