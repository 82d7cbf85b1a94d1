/** Who is asked next when a placement has failed: what was lost with it, what is too large now, and its replay. Pure. */
import type { EdgewardError } from '../errors/index.js'
import type { Candidate } from './attempt-candidate.js'

/** Those who are left after a failure: without those that would fail alike; where memory was short, what takes as much comes last. */
export function afterFailure(waiting: readonly Candidate[], failed: Candidate, error: EdgewardError): Candidate[] {
  const { engine, planned } = failed
  if (error.fallback === 'engine') return waiting.filter((other) => other.engine !== engine)
  const room = planned.estimate.memoryBytes
  // 0: nobody knows.
  if (error.code !== 'OUT_OF_MEMORY' || room === 0) return [...waiting]
  const isTooLarge = (other: Candidate) => other.engine === engine && other.planned.estimate.memoryBytes >= room
  // Another backend has a memory of its own; on the same one nothing of that size finds room.
  const elsewhere = waiting.filter((other) => isTooLarge(other) && backendOf(other) !== backendOf(failed))
  return [...waiting.filter((other) => !isTooLarge(other)), ...elsewhere]
}

function backendOf({ planned: { placement } }: Candidate): string | undefined {
  return placement.engine === 'device' ? placement.backend : undefined
}

/** A candidate as it is after a loss: what was ready in a worker that died, or on a lost GPU, has to be made ready again. */
export function afterLoss(candidate: Candidate, { code }: EdgewardError): Candidate {
  const { placement } = candidate.planned
  if (placement.engine === 'remote') return candidate
  const isLost = code === 'WORKER_DIED' || (code === 'GPU_LOST' && placement.backend === 'webgpu')
  return isLost ? unready(candidate) : candidate
}

/**
 * Puts a lost placement among those that wait, to be tried once more: behind what is ready up to the first of another engine,
 * since that answers at once; before all that would have to load something.
 *
 * @param mayAnswer - whether a ready placement of another engine may come before
 */
export function withReplay(
  waiting: readonly Candidate[],
  lost: Candidate,
  mayAnswer: (candidate: Candidate) => boolean,
): Candidate[] {
  const replay = replayOf(lost)
  const isReady = ({ planned }: Candidate) => planned.readiness === 'ready'
  const at = waiting.findIndex((other) => other.engine !== lost.engine && isReady(other) && mayAnswer(other))
  if (at < 0) return [replay, ...waiting]
  const ahead = waiting.slice(0, at + 1)
  const slower = ahead.filter((other) => !isReady(other))
  return [...ahead.filter(isReady), replay, ...slower, ...waiting.slice(at + 1)]
}

/** A placement that is tried once more. */
export function replayOf(lost: Candidate): Candidate {
  return { ...unready(lost), again: { kind: 'replay' } }
}

/**
 * Whether the worker is replaced because its runtime cannot be trusted any more: out of memory, trapped, or not started. A fresh
 * one may do better, when nobody else can.
 */
export function isWorkerReplaced({ details }: EdgewardError): boolean {
  return details['untrusted'] === true
}

/** An endpoint is as ready as it was. */
function unready(candidate: Candidate): Candidate {
  if (candidate.planned.placement.engine === 'remote') return candidate
  return { ...candidate, planned: { ...candidate.planned, readiness: 'cached' } }
}
