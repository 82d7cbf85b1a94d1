/** Log probabilities in the two shapes that OpenAI's API has for them. */
import type { TokenLogprob } from 'edgeward/generation'

interface ChatToken {
  readonly token: string
  readonly logprob: number
  readonly bytes: readonly number[]
}

export interface ChatLogprobs {
  readonly content: readonly (ChatToken & { readonly top_logprobs: readonly ChatToken[] })[]
}

export function chatLogprobs(logprobs: readonly TokenLogprob[]): ChatLogprobs {
  const content = logprobs.map(({ top = [], ...own }) => ({ ...chatToken(own), top_logprobs: top.map(chatToken) }))
  return { content }
}

function chatToken({ token, logprob }: TokenLogprob): ChatToken {
  return { token, logprob, bytes: [...new TextEncoder().encode(token)] }
}

export interface CompletionLogprobs {
  readonly tokens: readonly string[]
  readonly token_logprobs: readonly number[]
  readonly top_logprobs: readonly Readonly<Record<string, number>>[]
  readonly text_offset: readonly number[]
}

/** @param offset Where the first token begins, in characters of the answer. */
export function completionLogprobs(logprobs: readonly TokenLogprob[], offset: number): CompletionLogprobs {
  const offsets: number[] = []
  for (const { token } of logprobs) {
    offsets.push(offset)
    offset += token.length
  }
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top = [] }) => Object.fromEntries(top.map(({ token, logprob }) => [token, logprob]))),
    text_offset: offsets,
  }
}
