/** Reads log probabilities in both of OpenAI's forms: of chats, and of completions. */
import type { TokenLogprob } from '../../contract/index.js'
import type { Field } from '../oip/field.js'

/** Undefined where there are none. llama.cpp sends those of chats with completions, too. */
export function readLogprobs(logprobs: Field): readonly TokenLogprob[] | undefined {
  if (logprobs.isAbsent) return undefined
  const content = logprobs.get('content')
  if (!content.isAbsent) return content.items().map(ofChat)
  return logprobs.get('tokens').isAbsent ? undefined : ofCompletion(logprobs)
}

function ofChat(entry: Field): TokenLogprob {
  const top = entry.get('top_logprobs')
  return { ...tokenOf(entry), ...(!top.isAbsent && { top: top.items().map(tokenOf) }) }
}

function tokenOf(entry: Field): Omit<TokenLogprob, 'top'> {
  const id = entry.get('id')
  return {
    token: entry.get('token').string(),
    ...(!id.isAbsent && { id: id.size() }),
    logprob: numberOf(entry.get('logprob')),
  }
}

function ofCompletion(logprobs: Field): readonly TokenLogprob[] {
  const values = logprobs.get('token_logprobs').items()
  const tops = logprobs.get('top_logprobs')
  const topItems = tops.isAbsent ? [] : tops.items()
  return logprobs
    .get('tokens')
    .items()
    .map((token, index) => {
      const value = values[index]
      if (value === undefined) throw logprobs.error('has fewer token_logprobs than tokens')
      const top = topItems[index]
      return {
        token: token.string(),
        logprob: numberOf(value),
        ...(top && !top.isAbsent && { top: likeliest(top) }),
      }
    })
}

function likeliest(top: Field): readonly Omit<TokenLogprob, 'top'>[] {
  const tokens = Object.keys(top.value as object) // `get` says what is wrong if it is no object.
  return tokens
    .map((token) => ({ token, logprob: numberOf(top.get(token)) }))
    .sort((one, other) => other.logprob - one.logprob)
}

/** A token that cannot be has no logarithm, and JSON no infinity. */
function numberOf(value: Field): number {
  if (value.isAbsent) return -Infinity
  if (typeof value.value !== 'number') throw value.error('must be a number')
  return value.value
}
