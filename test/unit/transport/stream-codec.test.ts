/** Streams over a real MessagePort: back-pressure, errors, cancellation and the death of the other side. */
import { once } from 'node:events'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import { decodeStream, encodeStream } from '../../../packages/sdk/src/transport/stream-codec.js'

const noDeath = () => () => undefined

/** A stream that counts what is asked of it. It reads nothing ahead. */
function countedSource(chunks: readonly unknown[], fail?: unknown) {
  const cancelled = createDeferred<unknown>()
  const asked = vi.fn()
  let next = 0
  const stream = new ReadableStream<unknown>(
    {
      pull(controller) {
        asked()
        if (next < chunks.length) controller.enqueue(chunks[next])
        else if (fail !== undefined) controller.error(fail)
        else controller.close()
        next += 1
      },
      cancel: (reason) => cancelled.resolve(reason),
    },
    { highWaterMark: 0 },
  )
  return { stream, asked, cancelled: cancelled.promise }
}

/** Resolves when the port's other end has been closed. */
async function closed(port: MessagePort): Promise<void> {
  // Node's ports emit the event; the DOM library's type does not know of it.
  await once(port as unknown as EventTarget, 'close')
}

/** Long enough for messages that were sent to arrive both ways. */
async function messagesDelivered(): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    const { port1, port2 } = new MessageChannel()
    const arrived = once(port2 as unknown as EventTarget, 'message')
    port2.start()
    port1.postMessage('round')
    await arrived
    port1.close()
  }
}

async function readAll(stream: ReadableStream): Promise<unknown[]> {
  const chunks: unknown[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

describe('a stream over a port', () => {
  it('gives the chunks in order, then ends and closes the port', async () => {
    const port = encodeStream(countedSource(['a', { b: 1 }, Float32Array.of(2)]).stream)
    const closing = closed(port)
    expect(await readAll(decodeStream(port, noDeath))).toEqual(['a', { b: 1 }, Float32Array.of(2)])
    await closing
  })

  it('reads nothing from its source before it is asked for', async () => {
    const { stream, asked } = countedSource([1, 2, 3])
    const reader = decodeStream(encodeStream(stream), noDeath).getReader()
    await messagesDelivered()
    expect(asked).toHaveBeenCalledTimes(0)
    await reader.read()
    await messagesDelivered()
    expect(asked).toHaveBeenCalledTimes(1)
    await reader.read()
    await messagesDelivered()
    expect(asked).toHaveBeenCalledTimes(2)
    await reader.cancel()
  })

  it('moves the buffers that it is told to', async () => {
    const chunk = Float32Array.of(1, 2)
    const port = encodeStream(countedSource([chunk]).stream, () => [chunk.buffer])
    expect(await readAll(decodeStream(port, noDeath))).toEqual([Float32Array.of(1, 2)])
    expect(chunk.length).toBe(0)
  })

  it('passes on an error in mid-stream, after the chunks before it', async () => {
    const failure = new EdgewardError('INTEGRITY', 'wrong digest', { details: { chunk: 1 } })
    const port = encodeStream(countedSource(['first'], failure).stream)
    const closing = closed(port)
    const reader = decodeStream(port, noDeath).getReader()
    expect(await reader.read()).toEqual({ done: false, value: 'first' })
    await expect(reader.read()).rejects.toMatchObject({ code: 'INTEGRITY', details: { chunk: 1 } })
    await closing
  })

  it('passes on a cancellation with its reason, and closes the port', async () => {
    const { stream, cancelled } = countedSource([1, 2])
    const port = encodeStream(stream)
    const closing = closed(port)
    await decodeStream(port, noDeath).cancel(new EdgewardError('DISPOSED', 'the reason'))
    expect(await cancelled).toMatchObject({ code: 'DISPOSED', message: 'the reason' })
    await closing
  })

  it('ignores a chunk that was on its way when the reader left', async () => {
    const port = encodeStream(countedSource([1, 2]).stream)
    const closing = closed(port)
    const reader = decodeStream(port, noDeath).getReader()
    const pending = reader.read()
    await reader.cancel('gone')
    expect(await pending).toMatchObject({ done: true })
    // Vitest fails a run with an uncaught error, which a chunk for an ended stream would be.
    await closing
    await messagesDelivered()
  })

  it('ends its source when a chunk cannot be sent', async () => {
    const { stream, cancelled } = countedSource([() => 'a function'])
    const reader = decodeStream(encodeStream(stream), noDeath).getReader()
    await expect(reader.read()).rejects.toMatchObject({ name: 'DataCloneError' })
    expect(await cancelled).toMatchObject({ name: 'DataCloneError' })
  })

  it('errors for its reader when the other side dies, and stops watching when it has ended', async () => {
    const { port1, port2 } = new MessageChannel()
    onTestFinished(() => port1.close())
    let die: (reason: unknown) => void = () => undefined
    const stopWatching = vi.fn()
    const reader = decodeStream(port2, (listener) => {
      die = listener
      return stopWatching
    }).getReader()
    const pending = reader.read()
    const death = new EdgewardError('WORKER_DIED', 'gone')
    die(death)
    await expect(pending).rejects.toBe(death)
    expect(stopWatching).toHaveBeenCalledOnce()
  })

  it('errors at once when the other side is dead already', async () => {
    const death = new EdgewardError('WORKER_DIED', 'gone')
    const { port1, port2 } = new MessageChannel()
    onTestFinished(() => port1.close())
    const stream = decodeStream(port2, (listener) => {
      listener(death)
      return () => undefined
    })
    await expect(stream.getReader().read()).rejects.toBe(death)
  })
})
