/** Answers requests of one kind that wait together by one run: they wait for a slot, and what waits is merged. */
import type { EngineAnswer, EngineRequest, TaskBatching, TaskName, TaskOutput } from '../contract/index.js'
import { EdgewardError, isEdgewardError, type ErrorCode } from '../errors/index.js'
import { abortable, createDeferred, type Deferred } from '../shared/index.js'
import { checkDeadline } from './queue.js'

/**
 * The most of one run. Other lanes wait until it has ended, so it must stay short; and beyond some dozen rows a run takes
 * as long for each row as before: only the cost of a run itself is saved.
 */
export const maxBatch = Object.freeze({ requests: 32, rows: 64 })

/** Failures that one request can cause for all of its batch: each is tried by itself. */
const failuresOfOne: readonly ErrorCode[] = ['INVALID_INPUT', 'OUT_OF_MEMORY', 'RUN_FAILED', 'OUTPUT_INVALID']

export type Answer = (request: EngineRequest, signal: AbortSignal) => Promise<EngineAnswer>

interface Member {
  readonly request: EngineRequest
  readonly signal: AbortSignal
  readonly rows: number
  /** Since when it has waited for the slot; absent: the slot was free. */
  readonly waitsSince: number | undefined
  readonly answer: Deferred<EngineAnswer>
}

/** What waits for the slot of one kind. */
interface Slot {
  readonly batching: TaskBatching<TaskName>
  readonly answer: Answer
  waiting: Member[]
}

export class Batcher {
  /** A slot is there while a run of its kind is under way. */
  readonly #slots = new Map<string, Slot>()

  /**
   * Answers a request, with others of the same kind if they wait together. An abort leaves the others.
   *
   * @param kind - requests of one kind can be merged by `batching`
   * @param answer - answers one request; that of the kind's first one answers all of them
   */
  run(
    kind: string,
    batching: TaskBatching<TaskName>,
    request: EngineRequest,
    signal: AbortSignal,
    answer: Answer,
  ): Promise<EngineAnswer> {
    const slot = this.#slots.get(kind)
    const member: Member = {
      request,
      signal,
      rows: batching.rowsOf(request.input),
      waitsSince: slot && performance.now(),
      answer: createDeferred(),
    }
    if (slot === undefined) void this.#work(kind, { batching, answer, waiting: [member] })
    else slot.waiting.push(member)
    return abortable(member.answer.promise, signal)
  }

  async #work(kind: string, slot: Slot): Promise<void> {
    this.#slots.set(kind, slot)
    for (let batch = take(slot); batch.length > 0; batch = take(slot)) await answerBatch(slot, batch)
    this.#slots.delete(kind)
  }
}

/** Those that go next, as many as one run takes; at least one, if one is left that somebody still waits for. */
function take(slot: Slot): Member[] {
  const wanted = slot.waiting.filter(isWanted)
  let rows = 0
  let count = 0
  for (const member of wanted.slice(0, maxBatch.requests)) {
    rows += member.rows
    if (count > 0 && rows > maxBatch.rows) break
    count += 1
  }
  slot.waiting = wanted.slice(count)
  return wanted.slice(0, count)
}

/** Whether somebody still waits; one whose time is over hears so. */
function isWanted({ signal, request, answer }: Member): boolean {
  if (signal.aborted) return false
  try {
    checkDeadline(request)
    return true
  } catch (error) {
    answer.reject(error)
    return false
  }
}

async function answerBatch(slot: Slot, batch: readonly Member[]): Promise<void> {
  try {
    const answers = await (batch.length === 1 ? answerEach(slot, batch) : answerTogether(slot, batch))
    batch.forEach((member, index) => {
      const answer = answers[index]
      if (answer !== undefined) member.answer.resolve(answer)
      else
        member.answer.reject(
          new EdgewardError('INTERNAL', `A run of ${batch.length} requests gave ${answers.length} answers.`),
        )
    })
  } catch (error) {
    const isOfOne = batch.length > 1 && isEdgewardError(error) && failuresOfOne.includes(error.code)
    if (isOfOne) for (const member of batch.filter(isWanted)) await answerBatch(slot, [member])
    else for (const member of batch) member.answer.reject(error)
  }
}

async function answerEach({ answer }: Slot, [only]: readonly Member[]): Promise<EngineAnswer[]> {
  if (only === undefined) return []
  const startedAt = performance.now()
  return [waited(only, startedAt, await answer(only.request, only.signal))]
}

async function answerTogether({ batching, answer }: Slot, batch: readonly Member[]): Promise<EngineAnswer[]> {
  const [first] = batch
  if (first === undefined) return []
  const startedAt = performance.now()
  const inputs = batch.map(({ request }) => request.input)
  const together = { ...withoutTimes(first.request), ...expected(batch), input: batching.merge(inputs) }
  const merged = await untilAllAborted(batch, (signal) => answer(together, signal))
  const timings = { ...merged.timings, batchedRequests: batch.length }
  return batching
    .split(merged.output, inputs)
    .map((output: TaskOutput<TaskName>, index) => waited(batch[index] ?? first, startedAt, { output, timings }))
}

/** The time of one of them must not end the run of the others. */
function withoutTimes({ expectedMs: _expectedMs, ...request }: EngineRequest): EngineRequest {
  return { ...request, deadlineAt: Infinity }
}

/** As long as all of them, where that is known of each. */
function expected(batch: readonly Member[]): Pick<EngineRequest, 'expectedMs'> {
  const expectedMs = batch.reduce((sum, { request }) => sum + (request.expectedMs ?? NaN), 0)
  return Number.isNaN(expectedMs) ? {} : { expectedMs }
}

/** Adds how long a member waited for the slot. */
function waited({ waitsSince }: Member, startedAt: number, { output, timings }: EngineAnswer): EngineAnswer {
  if (waitsSince === undefined) return { output, timings }
  return { output, timings: { ...timings, queueMs: startedAt - waitsSince + (timings.queueMs ?? 0) } }
}

/** Does work whose signal aborts when every member has gone. */
async function untilAllAborted<V>(batch: readonly Member[], work: (signal: AbortSignal) => Promise<V>): Promise<V> {
  const aborting = new AbortController()
  const ended = new AbortController()
  for (const { signal } of batch) {
    const onAbort = () => {
      if (batch.every((member) => member.signal.aborted)) aborting.abort(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { signal: ended.signal })
  }
  try {
    return await work(aborting.signal)
  } finally {
    ended.abort()
  }
}
