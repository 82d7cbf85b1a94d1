/** Which answers are cut in the trials of handing over, where and how; and what is right of what comes of it. Pure. */
import type { Attempt, GenerationOutput, GenerationPart, TokenLogprob } from 'edgeward'
import type { Random } from '../../sim/random.js'
import { breaks, type Break } from './breaking-front.js'

export interface Asked {
  readonly messages?: readonly { readonly role: 'user' | 'system' | 'assistant'; readonly content: string }[]
  readonly prompt?: string
  readonly maxTokens: number
  readonly stop?: string
  readonly repetitionPenalty?: number
  readonly frequencyPenalty?: number
}

export type Trial = { readonly asked: Asked; readonly after: number } & (
  | { readonly from: 'device'; readonly how: 'run-failed' | 'worker-ended' }
  | { readonly from: 'endpoint'; readonly how: Break }
)

/** As `pages/handover.js` tells it. */
export interface Written extends GenerationOutput {
  readonly told: {
    readonly text: string
    readonly placements: readonly Extract<GenerationPart, { type: 'placement' }>[]
    readonly restarts: number
  }
  readonly attempts: readonly Attempt[]
}

const questions = [
  'What is the capital of France? Then tell me a short story about a cat.',
  'Name three colours and say why each is nice.',
  'Write a haiku about rain.',
  'How do I boil an egg?',
  'Explain gravity to a child.',
  'List the days of the week, with commas.',
  'Write a Python function that adds two numbers.',
  'Translate “good morning, my friend” into French, Spanish and German.',
  'Give me a recipe for pancakes.',
  'What is 12 times 12? Explain.',
  'Write a line with five emoji and say what each means.',
  'Who wrote Hamlet, and when?',
]

const prompts = ['Once upon a time there was a fox who', 'The three laws of motion are:\n1.']

/** Two answers in three are as plain as they can be. Few are different, so that few must be written uncut. */
export function askedOf(random: Random): Asked {
  const about = integer(random, 0, questions.length + prompts.length - 1)
  const prompt = prompts[about - questions.length]
  const input = prompt ? { prompt } : { messages: [{ role: 'user' as const, content: questions[about] ?? '' }] }
  const more = [{}, {}, {}, {}, { stop: '.' }, { repetitionPenalty: 1.2, frequencyPenalty: 0.5 }]
  return { ...input, maxTokens: 24 + (about % 8), ...more[integer(random, 0, more.length - 1)] }
}

/** Both directions and all ways to fail, in turn: a worker's death is one in sixteen, since its successor, which goes on, loads the model. */
export function trialsOf(count: number, random: Random): Trial[] {
  return Array.from({ length: count }, (_, index) => {
    const asked = askedOf(random)
    const after = integer(random, 1, asked.maxTokens - 2)
    if (index % 2 === 0) return { asked, after, from: 'device', how: index % 16 === 4 ? 'worker-ended' : 'run-failed' }
    return { asked, after, from: 'endpoint', how: breaks[((index - 1) / 2) % breaks.length] ?? 'cut' }
  })
}

/** Two logits that differ by less may change places where a sum is made in another order. */
export const nearTie = 1e-3

export type Verdict =
  | { readonly is: 'identical' }
  | { readonly is: 'near-tie'; readonly margin: number }
  | { readonly is: 'different'; readonly why: string }

/** @param uncut - with the two likeliest tokens of each place */
export function judge(cut: Written, uncut: Written, { from, how }: Trial): Verdict {
  const places = cut.told.placements.map(({ placement }) => (placement.engine === 'device' ? 'device' : 'endpoint'))
  const to = how === 'worker-ended' || from === 'endpoint' ? 'device' : 'endpoint'
  if (places.join() !== [from, to].join()) return { is: 'different', why: `it was written at ${places.join()}` }
  const wrong = seamProblem(cut)
  if (wrong !== undefined) return { is: 'different', why: wrong }
  if (cut.text === uncut.text) {
    const isSame = cut.finishReason === uncut.finishReason
    if (isSame && cut.usage.completionTokens === uncut.usage.completionTokens) return { is: 'identical' }
    const ends = [cut, uncut].map(({ finishReason, usage }) => `${finishReason} after ${usage.completionTokens}`)
    return { is: 'different', why: `it ended with ${ends.join(', uncut with ')}` }
  }
  const margin = marginAt(uncut.logprobs ?? [], firstDifference(cut.text, uncut.text))
  if (margin < nearTie) return { is: 'near-tie', margin }
  return { is: 'different', why: `it is ${JSON.stringify([cut.text, uncut.text])}, margin ${margin}` }
}

/** What is told twice must be told the same. */
function seamProblem({ text, told, segments }: Written): string | undefined {
  if (told.text !== text) return `its deltas are ${JSON.stringify(told.text)}, its text is ${JSON.stringify(text)}`
  if (told.restarts > 0) return 'it began again'
  let at = 0
  for (const { from, to } of segments) {
    if (from !== at || to <= from) return `its segments are ${JSON.stringify(segments)}`
    at = to
  }
  return at === text.length ? undefined : `its segments end at ${at} of ${text.length}`
}

/** Both ends included. */
function integer(random: Random, low: number, high: number): number {
  return Math.floor(random.between(low, high + 1))
}

function firstDifference(one: string, other: string): number {
  let at = 0
  while (at < one.length && one[at] === other[at]) at += 1
  return at
}

/** How far the two likeliest tokens were apart where a character is; of logits as of their logarithms of probabilities. */
function marginAt(logprobs: readonly TokenLogprob[], character: number): number {
  let end = 0
  for (const { token, top = [] } of logprobs) {
    end += token.length
    const [best, second] = top
    if (end > character) return best && second ? best.logprob - second.logprob : Infinity
  }
  return Infinity
}
