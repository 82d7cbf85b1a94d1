/** Moves on purpose: when an answer that somebody writes well is better written elsewhere. Pure, but for the clock. */
import type { PlannedPlacement, StreamRequest } from '../contract/index.js'
import { describe } from './dispatch-errors.js'
import type { Pace } from './stream-pace.js'

/** Nothing for so long in the middle of an answer is no slow step any more. Endpoints give up after as long by themselves (`stallMs`). */
export const stalledMs = 15_000

/** How long somebody may take to go on before the one who wrote so far does. */
export const moveWithinMs = 10_000

/** An endpoint that was never measured and has written nothing yet is late after this, if the device is ready meanwhile. */
const lateUnmeasuredMs = 2_000

/** The device reads the whole prompt again: for less than this it is not worth while. */
const fewestTokensLeft = 48

/** What is expected of an endpoint that was never measured: a served model of a size that also runs on devices. */
const assumedEndpointSpeed = 30

/** How long nothing may come before it is asked whether somebody else should write. */
export function patienceMs({ placement, estimate }: PlannedPlacement, hasWritten: boolean): number {
  if (hasWritten || placement.engine === 'device') return stalledMs
  return estimate.basis === 'measured' ? Math.max(lateUnmeasuredMs, estimate.firstOutputMs.high) : lateUnmeasuredMs
}

/** Why an answer should be moved away from who writes it, if so. */
export function slowness({ placement }: PlannedPlacement, pace: Pace, floor: number, silentMs: number) {
  if (silentMs >= stalledMs) return `${describe(placement)} has written nothing for ${Math.round(silentMs / 1_000)} s`
  const speed = pace.tokensPerSecond
  if (speed === undefined || speed >= floor) return undefined
  const written = `${speed.toFixed(1)} tokens a second`
  return `${describe(placement)} wrote ${written}, below the policy's minTokensPerSecond of ${floor}`
}

/** Whether somebody else is expected to be faster than who writes so many tokens a second. */
export function isFaster(planned: PlannedPlacement, tokensPerSecond: number): boolean {
  return (speedOf(planned) ?? 0) > tokensPerSecond
}

/** Whether an answer that an endpoint writes is worth bringing home to the device. */
export function isWorthComingHome(
  device: PlannedPlacement,
  endpoint: Pace,
  tokens: number,
  prefersDevice: boolean,
  { options: { maxTokens } }: Pick<StreamRequest, 'options'>,
): boolean {
  if (maxTokens !== undefined && maxTokens - tokens < fewestTokensLeft) return false
  const speed = endpoint.tokensPerSecond
  return prefersDevice || (speed !== undefined && isFaster(device, speed))
}

/** Undefined: nobody knows. */
function speedOf({ placement, estimate: { tokensPerSecond } }: PlannedPlacement): number | undefined {
  return tokensPerSecond ?? (placement.engine === 'remote' ? assumedEndpointSpeed : undefined)
}
