/**
 * Carries a `ReadableStream` over a `MessagePort`, with back-pressure, errors and cancellation.
 * (Streams themselves are not transferable in every browser: WebKit refuses.)
 */
import { decodeError, encodeError, type EncodedError } from './error-codec.js'

type FromReader = { readonly type: 'pull' } | { readonly type: 'cancel'; readonly reason: EncodedError }
type FromSource<T> =
  | { readonly type: 'chunk'; readonly chunk: T }
  | { readonly type: 'end' }
  | { readonly type: 'error'; readonly error: EncodedError }

/** The port that {@link decodeStream} reads on the other side. A chunk is read from `stream` only when it is asked for. */
export function encodeStream<T>(
  stream: ReadableStream<T>,
  transferablesOf?: (chunk: T) => Transferable[],
): MessagePort {
  const { port1, port2 } = new MessageChannel()
  const reader = stream.getReader()
  const send = (message: FromSource<T>, transfer: Transferable[] = []) => port1.postMessage(message, transfer)
  const finish = (message: FromSource<T>) => {
    send(message)
    port1.close()
  }
  const fail = (error: unknown) => {
    finish({ type: 'error', error: encodeError(error) })
    // A chunk that cannot be sent ends the source too; a source that failed by itself only says so again.
    reader.cancel(error).catch(() => undefined)
  }
  const pull = async () => {
    const { done, value } = await reader.read()
    if (done) finish({ type: 'end' })
    else send({ type: 'chunk', chunk: value }, transferablesOf?.(value))
  }
  port1.onmessage = ({ data }: MessageEvent<FromReader>) => {
    const step = data.type === 'pull' ? pull() : reader.cancel(decodeError(data.reason)).then(() => port1.close())
    step.catch(fail)
  }
  return port2
}

/** Tells when the other side is gone, and why. Returns its undo. */
type OnSourceClosed = (listener: (reason: unknown) => void) => () => void

/** The stream behind a port of {@link encodeStream}. It errors when the other side dies. */
export function decodeStream<T>(port: MessagePort, onSourceClosed: OnSourceClosed): ReadableStream<T> {
  const send = (message: FromReader) => port.postMessage(message)
  let stopWatching = (): void => undefined
  const stopListening = () => {
    stopWatching()
    // What is already on its way must not reach a stream that has ended.
    port.onmessage = null
  }
  const close = (end: () => void) => {
    stopListening()
    end()
    port.close()
  }
  return new ReadableStream<T>(
    {
      start(controller) {
        stopWatching = onSourceClosed((reason) => close(() => controller.error(reason)))
        port.onmessage = ({ data }: MessageEvent<FromSource<T>>) => {
          if (data.type === 'chunk') controller.enqueue(data.chunk)
          else if (data.type === 'end') close(() => controller.close())
          else close(() => controller.error(decodeError(data.error)))
        }
      },
      pull() {
        send({ type: 'pull' })
      },
      cancel(reason) {
        // The source closes the channel when it has heard this.
        stopListening()
        send({ type: 'cancel', reason: encodeError(reason) })
      },
    },
    // No chunk is asked for before somebody reads.
    { highWaterMark: 0 },
  )
}
