/** The endpoint's side of a thread that holds one session. */
import { Worker } from 'node:worker_threads'
import { EdgewardError, type Tensor, type TensorMap } from 'edgeward'
import type { SessionReply, SessionRequest, SessionSource } from './session-messages.js'
import { within } from './within.js'

/** How long closing waits for a run that is under way. */
const closeMs = 5000

type FailureCode = 'SESSION_FAILED' | 'RUN_FAILED'

/** One session in a thread of its own. It takes one run at a time. */
export class SessionThread {
  readonly #worker: Worker
  readonly #timeLimitMs: number
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>
  #isAlive = true
  #isClosing = false

  private constructor(worker: Worker, timeLimitMs: number) {
    this.#worker = worker
    this.#timeLimitMs = timeLimitMs
    this.ended = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#isAlive = false
        resolve()
      })
    })
    // Whoever waits for a reply hears of it too; without a listener it would end the process.
    worker.on('error', () => (this.#isAlive = false))
  }

  /**
   * @param timeLimitMs How long opening, and then each run, may take: whoever takes longer counts as hung.
   * @throws {EdgewardError} `SESSION_FAILED` when the file is missing or wrong, or ONNX Runtime refuses it.
   */
  static async open(source: SessionSource, timeLimitMs: number): Promise<SessionThread> {
    const worker = new Worker(new URL('./session-worker.js', import.meta.url), { workerData: source })
    const thread = new SessionThread(worker, timeLimitMs)
    const reply = await thread.#reply('SESSION_FAILED')
    if (reply.kind === 'ready') return thread
    throw unexpected('SESSION_FAILED', reply)
  }

  /** Whether another run can be asked for: false when the thread has ended, and when it hangs. */
  get isAlive(): boolean {
    return this.#isAlive
  }

  /**
   * @param inputs Their memory goes over to the thread: the caller's arrays are empty afterwards.
   * @throws {EdgewardError} `INVALID_INPUT` when ONNX Runtime refuses these values; `RUN_FAILED` when it fails, the
   *   thread ends or takes too long: it is not alive then.
   */
  async run(inputs: TensorMap, outputs: readonly string[]): Promise<TensorMap> {
    const reply = this.#reply('RUN_FAILED')
    this.#send({ kind: 'run', inputs, outputs }, Object.values(inputs).flatMap(ownMemory))
    const answer = await reply
    if (answer.kind === 'outputs') return answer.outputs
    throw unexpected('RUN_FAILED', answer)
  }

  /**
   * Frees the session after the run that is under way. A run that takes long is not waited for: the thread ends when it
   * comes back. It is never terminated, because Node-API's calls fail in a thread that ends, and ONNX Runtime, on its way
   * back from the run, takes the whole process down with it (onnxruntime-node 1.30).
   */
  async close(): Promise<void> {
    if (!this.#isClosing) this.#send({ kind: 'close' })
    this.#isClosing = true
    await within(this.ended, closeMs)
  }

  #send(request: SessionRequest, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, transfer)
  }

  /** The next message of the thread; a thread that ends or takes too long instead rejects it. */
  #reply(code: FailureCode): Promise<SessionReply> {
    const worker = this.#worker
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(timer)
        worker.off('message', onMessage).off('error', onError).off('exit', onExit)
        finish()
      }
      const fail = (message: string, cause?: unknown) =>
        settle(() => reject(new EdgewardError(code, `the session's thread ${message}`, { cause })))
      const onMessage = (reply: SessionReply) => settle(() => resolve(reply))
      const onError = (cause: unknown) => fail(`failed: ${String(cause)}`, cause)
      const onExit = () => fail('ended')
      const timer = setTimeout(() => {
        this.#isAlive = false
        fail(`took longer than ${this.#timeLimitMs} ms, and is replaced`)
      }, this.#timeLimitMs)
      worker.on('message', onMessage).on('error', onError).on('exit', onExit)
    })
  }
}

function unexpected(code: FailureCode, reply: SessionReply): EdgewardError {
  if (reply.kind === 'refused') {
    return new EdgewardError('INVALID_INPUT', 'the model cannot run on these values', {
      cause: new Error(reply.message),
    })
  }
  return new EdgewardError(code, reply.kind === 'failed' ? reply.message : `the session's thread said "${reply.kind}"`)
}

/** The memory that this tensor alone uses: it can go over without a copy. */
function ownMemory({ data }: Tensor): ArrayBuffer[] {
  if (!ArrayBuffer.isView(data) || !(data.buffer instanceof ArrayBuffer)) return []
  return data.byteLength === data.buffer.byteLength ? [data.buffer] : []
}
