/** Says traces and placements in a few words, for people. */
import type { Placement, Span, Trace } from '../../contract/index.js'

/** Such as `device (webgpu, q4f16)`, or the endpoint's address. */
export function describePlacement(placement: Placement): string {
  return placement.engine === 'device' ? `device (${placement.backend}, ${placement.variant})` : placement.endpoint
}

/** Such as `all-minilm-l6-v2 · feature-extraction · 23.1 ms · device (wasm, int8) · run 20.3`. */
export function describeTrace({ model, task, totalMs, outcome, placement, spans }: Trace): string {
  const end = placement === undefined ? outcome : describePlacement(placement)
  const failed = spans.filter((span) => span.name === 'attempt' && span.outcome !== 'answered').length
  const attempts = failed === 0 ? [] : [`after ${failed} other ${failed === 1 ? 'attempt' : 'attempts'}`]
  return [model, task, `${totalMs.toFixed(1)} ms`, end, ...attempts, ...phases(spans)].join(' · ')
}

/** Where the time went, without what took none. */
function phases(spans: readonly Span[]): readonly string[] {
  const timed = spans.filter(({ name, durationMs }) => name !== 'attempt' && durationMs >= 0.05)
  const text = timed.map(({ name, durationMs }) => `${name} ${durationMs.toFixed(1)}`).join(', ')
  return text === '' ? [] : [text]
}
