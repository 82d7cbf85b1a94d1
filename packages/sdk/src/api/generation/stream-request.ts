/** Streams one answer of text: plans it, has it written, and records it. */
import type { GenerationInput, GenerationOptions, Placement, StreamRequest } from '../../contract/index.js'
import { EdgewardError, isEdgewardError } from '../../errors/index.js'
import { Deadline } from '../../router/index.js'
import {
  dispatchStream,
  streamUnits,
  unitsOfStream,
  type RoutedEvent,
  type StreamContext,
} from '../../router/streams.js'
import { checkInput } from '../../tasks/page.js'
import { nameOf, newCall, note, type Call } from '../call.js'
import type { RequestOptions } from '../options.js'
import { codesOf, type Planned } from '../planner.js'
import { requestOf, type StreamingParts } from '../requests.js'
import type { StreamEnd } from './generate.js'

const task = 'text-generation'

/** What one answer is made from. */
export interface AskedStream {
  readonly model: string
  readonly input: GenerationInput
  readonly options: GenerationOptions & { readonly seed: number }
  readonly requestOptions: Omit<RequestOptions, 'signal'>
  /** The caller's, which also aborts when the client is disposed. */
  readonly signal: AbortSignal
}

export async function* streamRequest(
  parts: StreamingParts,
  asked: AskedStream,
): AsyncGenerator<RoutedEvent, StreamEnd> {
  const { model, input, options, requestOptions, signal } = asked
  const { policy, lane = 'default' } = requestOptions
  const call = newCall(task, model, lane)
  const deadline = new Deadline(parts.planner.policyOf(policy).deadlineMs, call.startedAt, signal)
  try {
    checkInput(task, input)
    call.units = streamUnits(input, options)
    const planned = await parts.plan(
      { model, task, policy, lane, units: call.units, load: 'sessions' },
      deadline.signal,
      call,
    )
    const request: StreamRequest = {
      ...{ ...requestOf(planned), task, lane, input, options, maxQueued: planned.policy.maxQueued },
      ...(deadline.at !== Infinity && { deadlineAt: deadline.at }),
    }
    const end = yield* read(dispatchStream(planned.planned, request, contextOf(parts, planned, call, deadline, asked)))
    const ended: StreamEnd = { ...end, timings: { ...end.timings, totalMs: performance.now() - call.startedAt } }
    settle(parts, planned, ended)
    parts.tellAnswer(call, ended)
    parts.tellTrace(call, 'answered')
    return ended
  } catch (error) {
    if (call.planned) parts.planner.reconsider(call.planned, codesOf(error))
    parts.tellTrace(call, isEdgewardError(error) ? error.code : 'aborted')
    throw error
  } finally {
    deadline.dispose()
  }
}

function contextOf(
  parts: StreamingParts,
  planned: Planned,
  call: Call,
  deadline: Deadline,
  { input, options: { onSeam = 'restart' } }: AskedStream,
): StreamContext {
  const { policy } = planned
  const context = parts.context(planned, call, deadline)
  const promptUnits = streamUnits(input, { maxTokens: 0 })
  return {
    ...context,
    // What was measured is of what was written, not of what might have been.
    onTried(tried) {
      call.units = promptUnits + unitsOfStream(0, tried.pace?.tokens ?? 0)
      context.onTried(tried)
    },
    onSeam,
    minTokensPerSecond: policy.minTokensPerSecond,
    prefersDevice: isDeviceAwaited(planned),
    comingHome: (placements, signal) => parts.hedging.becameReady(planned, placements, signal),
    onMoved: ({ to, reason }) => note(call, 'placement', `the answer goes on at ${nameOf(to)}: ${reason}`),
  }
}

/** An endpoint that goes before a device that is ready does so for a reason; before one that is on its way, until that is ready. */
function isDeviceAwaited({ policy, planned }: Planned): boolean {
  const isReady = planned.placements.some((one) => one.placement.engine === 'device' && one.readiness === 'ready')
  return policy.prefer === 'device' && !isReady
}

type End = Omit<StreamEnd, 'timings'> & { readonly timings: Omit<StreamEnd['timings'], 'totalMs'> }

/** Passes the events on; who stops reading ends the stream. */
async function* read(stream: ReadableStream<RoutedEvent>): AsyncGenerator<RoutedEvent, End> {
  const reader = stream.getReader()
  let placement: Placement | undefined
  let end: End | undefined
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const event = next.value
      if (event.type === 'placement') ({ placement } = event)
      if (event.type === 'finish' && placement) end = { placement, attempts: event.attempts, timings: event.timings }
      yield event
    }
  } finally {
    await reader.cancel()
  }
  if (end === undefined) throw new EdgewardError('INTERNAL', 'The stream ended without saying how.')
  return end
}

function settle({ planner, aftermath }: StreamingParts, planned: Planned, { placement, attempts }: StreamEnd): void {
  const codes = attempts.map(({ code }) => code)
  if (planner.reconsider(planned, codes)) aftermath.forget(planned.model)
  else if (placement.engine === 'device') aftermath.used(planned)
}
