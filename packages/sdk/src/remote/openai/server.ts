/** Which software answers at an endpoint, and what it takes beyond OpenAI's own fields. */
import type { EndpointAnswer } from '../endpoint.js'
import type { OpenAiServer } from '../options.js'

/** What a server takes that OpenAI does not have. */
export interface Extensions {
  /** `top_k` and `min_p`, and what the divisor of repeated tokens is called. */
  readonly sampling?: 'repetition_penalty' | 'repeat_penalty'
  /** Tells the ids of tokens, where it is asked with `return_token_ids`. */
  readonly tokenIds?: true
  /** Takes a regular expression as `structured_outputs.regex`. */
  readonly regex?: true
  /** Passes `chat_template_kwargs` to the chat template. */
  readonly templateArguments?: true
  /** Takes what is written of an answer beside its prompt (`resume`): penalties, seed and stop strings heed it as if it had written it itself. */
  readonly resumes?: true
  /** Tells its load in ORCA's format. */
  readonly load?: true
}

export const extensionsOf: Readonly<Record<OpenAiServer, Extensions>> = {
  edgeward: {
    sampling: 'repetition_penalty',
    tokenIds: true,
    regex: true,
    templateArguments: true,
    resumes: true,
    load: true,
  },
  vllm: { sampling: 'repetition_penalty', tokenIds: true, regex: true, templateArguments: true, load: true },
  llamacpp: { sampling: 'repeat_penalty', templateArguments: true },
  ovms: { sampling: 'repetition_penalty', templateArguments: true },
  ollama: {},
  openai: {},
  other: {},
}

/** Who `GET /models` says owns a model. */
const owners: readonly (readonly [OpenAiServer, RegExp])[] = [
  ['edgeward', /^edgeward$/i],
  ['vllm', /^vllm$/i],
  ['llamacpp', /^llama\.?cpp$/i],
  ['ollama', /^(library|ollama)$/i],
  ['ovms', /^(ovms|openvino.*)$/i],
  ['openai', /^(openai|openai-internal|system)$/i],
]

/** Reads the answer to `GET /models`; what cannot be understood is `other`. */
export function serverOf({ body }: EndpointAnswer): OpenAiServer {
  const owner = ownerOf(new TextDecoder().decode(body))
  return owners.find(([, pattern]) => pattern.test(owner))?.[0] ?? 'other'
}

function ownerOf(json: string): string {
  try {
    const { data } = JSON.parse(json) as { readonly data?: readonly { readonly owned_by?: unknown }[] }
    return String(data?.[0]?.owned_by)
  } catch {
    return '' // Not JSON, or not as OpenAI has it: it says nothing.
  }
}
