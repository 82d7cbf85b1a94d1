/** Writes answers: what `generate` does once it is asked, loaded when that is. */
import type {
  Attempt,
  GeneratedAnswer,
  GenerationInput,
  GenerationOptions,
  GenerationOutput,
  GenerationPart,
  GenerationUsage,
  Placement,
  Result,
  Timings,
} from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'
import { generationDefaults } from '../../generation/page.js'
import type { RoutedEvent } from '../../router/streams.js'
import type { Generating } from '../generation-stream.js'
import { merge } from './merge.js'
import { PartAssembler, type Assembled } from './part-assembler.js'

/** What came of one answer's stream when it had ended. */
export interface StreamEnd {
  /** Where it ended. */
  readonly placement: Placement
  readonly attempts: readonly Attempt[]
  readonly timings: Timings
}

type SeededOptions = GenerationOptions & { readonly seed: number }

/** Streams one answer by a plan of its own, until `signal` aborts. */
export type OpenStream = (
  input: GenerationInput,
  options: SeededOptions,
  signal: AbortSignal,
) => AsyncGenerator<RoutedEvent, StreamEnd>

interface Written extends Assembled {
  readonly end: StreamEnd
}

/**
 * Writes as many answers as are asked for, side by side.
 *
 * @param signal - the caller's
 */
export async function* generateParts(
  open: OpenStream,
  input: GenerationInput,
  options: GenerationOptions,
  signal: AbortSignal,
): Generating {
  const { n = 1, seed = randomSeed() } = options
  const whole = { ...generationDefaults, ...options }
  const leaving = new AbortController()
  const either = AbortSignal.any([signal, leaving.signal])
  const streams = Array.from({ length: n }, (_, index) =>
    writeOne(open(input, { ...whole, seed: seed + index }, either), hasTools(input), index),
  )
  const merged = merge(streams, () => leaving.abort())
  let next = await merged.next()
  try {
    for (; !next.done; next = await merged.next()) yield next.value.value
  } finally {
    if (!next.done) await merged.return([])
  }
  return resultOf(next.value)
}

async function* writeOne(
  events: AsyncGenerator<RoutedEvent, StreamEnd>,
  mayCall: boolean,
  index: number,
): AsyncGenerator<GenerationPart, Written> {
  const assembler = new PartAssembler(mayCall)
  let next = await events.next()
  try {
    for (; !next.done; next = await events.next()) {
      for (const part of assembler.push(next.value)) yield { index, ...part }
    }
  } finally {
    if (!next.done) await events.return(undefined as never)
  }
  return { ...assembler.assembled, end: next.value }
}

function hasTools(input: GenerationInput): boolean {
  return 'messages' in input && (input.tools?.length ?? 0) > 0
}

function resultOf(written: readonly Written[]): Result<GenerationOutput> {
  const [first] = written
  if (first === undefined) throw new EdgewardError('INTERNAL', 'No answer was asked for.')
  const answers: readonly GeneratedAnswer[] = written.map(({ answer }) => answer)
  const { placement, timings } = first.end
  const usage = written.map((one) => one.usage).reduce(added)
  const output = { ...first.answer, answers, usage, timings: first.timings }
  const totalMs = Math.max(...written.map(({ end }) => end.timings.totalMs))
  return { output, placement, timings: { ...timings, totalMs }, attempts: written.flatMap(({ end }) => end.attempts) }
}

/** The prompt counts once, as OpenAI counts it. */
function added(all: GenerationUsage, one: GenerationUsage): GenerationUsage {
  return { ...all, completionTokens: all.completionTokens + one.completionTokens }
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0
}
