/** Underlines text by who wrote it. */
import { html } from '../dom.js'
import type { Stretch } from './answer.js'

/**
 * @param text - a part of the answer as it is shown
 * @param at - where that part begins in the answer
 */
export function underlined(text: string, at: number, stretches: readonly Stretch[]): HTMLElement[] {
  const end = at + text.length
  const last = stretches.at(-1)
  return stretches.flatMap((stretch) => {
    const from = Math.max(at, stretch.from)
    const to = stretch === last ? end : Math.min(end, stretch.to)
    return from < to ? [html('span', { 'data-place': stretch.engine }, text.slice(from - at, to - at))] : []
  })
}
