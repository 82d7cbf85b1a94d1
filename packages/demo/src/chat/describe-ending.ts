/** Puts an answer's numbers into words. */
import { count, formatMs } from '../format.js'
import type { Answer } from './answer.js'

const states = { open: undefined, stopped: 'stopped', failed: 'broke off', finished: undefined } as const

export function describeEnding({ ending, firstTextMs, tokensPerSecond }: Answer): string {
  if (firstTextMs === undefined) return ending.is === 'open' ? 'Waiting for the first token …' : 'Nothing was written'
  const about = ending.is === 'finished' ? '' : 'about '
  const usage = ending.is === 'finished' ? ending.usage : undefined
  const sentences = [
    tokensPerSecond === undefined ? undefined : `${about}${rate(tokensPerSecond)} tokens/s`,
    `first token after ${formatMs(firstTextMs)}`,
    usage && count(usage.completionTokens, 'token'),
    usage === undefined || !usage.cachedTokens
      ? undefined
      : `${usage.cachedTokens} of ${usage.promptTokens} prompt tokens were already there`,
    ending.is === 'finished' && ending.reason === 'length' ? 'cut off: long enough' : states[ending.is],
  ]
  return sentences.filter((sentence) => sentence !== undefined).join(' · ')
}

function rate(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond))
}
