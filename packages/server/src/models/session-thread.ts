/** The endpoint's side of a thread that holds one session. */
import { Worker } from 'node:worker_threads'
import { EdgewardError, type Tensor, type TensorMap } from 'edgeward'
import type { SessionReply, SessionRequest, SessionSource } from './session-messages.js'

/** One session in a thread of its own. It takes one run at a time. */
export class SessionThread {
  readonly #worker: Worker
  readonly #ended: Promise<void>
  #isAlive = true
  #isClosing = false

  private constructor(worker: Worker) {
    this.#worker = worker
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#isAlive = false
        resolve()
      })
    })
    // Whoever waits for a reply hears of it too; without a listener it would end the process.
    worker.on('error', () => (this.#isAlive = false))
  }

  /** @throws {EdgewardError} `SESSION_FAILED` when the file is missing or wrong, or ONNX Runtime refuses it. */
  static async open(source: SessionSource): Promise<SessionThread> {
    const worker = new Worker(new URL('./session-worker.js', import.meta.url), { workerData: source })
    const thread = new SessionThread(worker)
    const reply = await thread.#reply('SESSION_FAILED')
    if (reply.kind === 'ready') return thread
    throw unexpected('SESSION_FAILED', reply)
  }

  /** Whether another run can be asked for. */
  get isAlive(): boolean {
    return this.#isAlive
  }

  /**
   * @param inputs Their memory goes over to the thread: the caller's arrays are empty afterwards.
   * @throws {EdgewardError} `RUN_FAILED` when ONNX Runtime refuses, or the thread ends.
   */
  async run(inputs: TensorMap, outputs: readonly string[]): Promise<TensorMap> {
    const reply = this.#reply('RUN_FAILED')
    this.#send({ kind: 'run', inputs, outputs }, Object.values(inputs).flatMap(ownMemory))
    const answer = await reply
    if (answer.kind === 'outputs') return answer.outputs
    throw unexpected('RUN_FAILED', answer)
  }

  /** Frees the session, after the run that is under way. */
  async close(): Promise<void> {
    if (this.#isAlive && !this.#isClosing) this.#send({ kind: 'close' })
    this.#isClosing = true
    await this.#ended
  }

  #send(request: SessionRequest, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, transfer)
  }

  /** The next message of the thread; a thread that ends instead rejects it at once. */
  #reply(code: 'SESSION_FAILED' | 'RUN_FAILED'): Promise<SessionReply> {
    const worker = this.#worker
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        worker.off('message', onMessage).off('error', onError).off('exit', onExit)
        finish()
      }
      const onMessage = (reply: SessionReply) => settle(() => resolve(reply))
      const onError = (cause: unknown) =>
        settle(() => reject(new EdgewardError(code, `the session's thread failed: ${String(cause)}`, { cause })))
      const onExit = () => settle(() => reject(new EdgewardError(code, `the session's thread ended`)))
      worker.on('message', onMessage).on('error', onError).on('exit', onExit)
    })
  }
}

function unexpected(code: 'SESSION_FAILED' | 'RUN_FAILED', reply: SessionReply): EdgewardError {
  return new EdgewardError(code, reply.kind === 'failed' ? reply.message : `the session's thread said "${reply.kind}"`)
}

/** The memory that this tensor alone uses: it can go over without a copy. */
function ownMemory({ data }: Tensor): ArrayBuffer[] {
  if (!ArrayBuffer.isView(data) || !(data.buffer instanceof ArrayBuffer)) return []
  return data.byteLength === data.buffer.byteLength ? [data.buffer] : []
}
