/** Finds the way in which an endpoint goes on with an answer that began elsewhere. */
import type { GenerationInput, GenerationResume, StreamRequest, TextFormat } from '../../contract/index.js'
import { remoteDefaults, type Continuation } from '../options.js'
import { cannotContinue } from './cannot-continue.js'
import type { Way } from './way.js'

/** What a way needs that an endpoint may not have, and how that is found out. */
export interface ContinuationProbes {
  /** Whether the endpoint makes the same token ids of this request's chat as were used before. */
  hasSameTokens(request: StreamRequest, promptIds: readonly number[]): Promise<boolean>
  /** Whether the endpoint goes on with the last message of a chat, without writing it again. */
  continuesMessages(request: StreamRequest): Promise<boolean>
}

/** Marks of reasoning and calls in the raw texts of models that are in use; a chat template would take them out, or apart. */
const marks = ['<think>', '</think>', '<tool_call>', '<|python_tag|>', '[TOOL_CALLS]', '<|channel|>'] as const

/**
 * @param format - how the model marks what is not the answer
 * @throws EdgewardError as {@link cannotContinue} makes it, when there is no way
 */
export async function findWay(
  request: StreamRequest,
  probes: ContinuationProbes,
  { url, format, allowed = remoteDefaults.continuation }: FindWayOptions,
): Promise<Way> {
  const { input, resume } = request
  if (!resume) return beginning(input)
  const structure = structureOf(request)
  if (structure !== undefined) throw cannotContinue(url, `it would begin ${structure} anew`)
  if (allowed === 'none') throw cannotContinue(url, 'remote.continuation is none')
  if ('prompt' in input) return afterPrompt(input.prompt, resume, url)
  const { promptIds, tokenIds } = resume
  if (allowed !== 'message' && promptIds && tokenIds) {
    const isSame = allowed === 'tokens' || (await probes.hasSameTokens(request, promptIds))
    if (isSame) return { by: 'prompt', prompt: [...promptIds, ...tokenIds] }
  }
  if (allowed === 'tokens') throw cannotContinue(url, 'the ids of the tokens so far are not known')
  const marked = resume.onlyByIds ? 'the answer so far ends within its markup' : obstacleTo(input, resume.text, format)
  if (marked !== undefined) throw cannotContinue(url, marked)
  if (allowed === 'auto' && !(await probes.continuesMessages(request))) {
    throw cannotContinue(url, 'it does not go on with the last message of a chat')
  }
  return { by: 'message', text: resume.text.trimEnd() }
}

interface FindWayOptions {
  readonly url: string
  readonly format: TextFormat
  /** What the caller said. */
  readonly allowed?: Continuation | undefined
}

function beginning(input: GenerationInput): Way {
  return 'prompt' in input ? { by: 'prompt', prompt: input.prompt } : { by: 'chat' }
}

/** What a grammar holds to is counted from where the endpoint begins. */
function structureOf({ options: { responseFormat, toolChoice } }: StreamRequest): string | undefined {
  if (responseFormat && responseFormat.type !== 'text') return 'the form that the text must have'
  return toolChoice === 'required' || typeof toolChoice === 'object' ? 'the call of a tool' : undefined
}

function afterPrompt(prompt: string | readonly number[], resume: GenerationResume, url: string): Way {
  if (typeof prompt === 'string') return { by: 'prompt', prompt: prompt + resume.text }
  if (resume.tokenIds) return { by: 'prompt', prompt: [...prompt, ...resume.tokenIds] }
  throw cannotContinue(url, 'the prompt is token ids, and those of the answer so far are not known')
}

/** Why an answer so far cannot be the last message of a chat; undefined: it can. */
function obstacleTo(
  input: Extract<GenerationInput, { messages: unknown }>,
  text: string,
  { startsInReasoning, reasoning, tools }: TextFormat,
): string | undefined {
  const all = reasoning ? [...marks, reasoning.open, reasoning.close] : marks
  if (startsInReasoning || all.some((mark) => text.includes(mark)))
    return 'the answer so far has reasoning or a call of a tool'
  const mayBeCall = tools === 'llama3' || (input.tools?.length ?? 0) > 0
  if (mayBeCall && /^\s*[{[<]/.test(text)) return 'the answer so far may be a call of a tool'
  if (text.trimEnd() === '') return 'there is no answer so far'
  return input.messages.at(-1)?.role === 'assistant'
    ? 'the chat ends with a message of the assistant already'
    : undefined
}
