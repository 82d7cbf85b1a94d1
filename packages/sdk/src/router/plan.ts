/** Where a request can run, in which order, and why: a pure function of what is known. */
import type { Plan, PlannedPlacement, RuledOutPlacement } from '../contract/index.js'
import { bytesInWords } from './amounts.js'
import { costModel, judgeDevice, judgeEndpoints, type Candidate, type Estimators } from './candidates.js'
import { byPreference } from './order.js'
import type { PlanInput } from './plan-input.js'
import { inBackground } from './prepare-next.js'
import { reasonOf, type Standing } from './reasons.js'
import { applyShifts, isAwake } from './shifts.js'

/**
 * The placements that can answer a request, in the order in which they are to be tried, and those that cannot.
 * It never throws, and the same input gives the same plan.
 */
export function plan(input: PlanInput, estimators: Estimators = costModel): Plan {
  const remote = judgeEndpoints(input, estimators)
  const canEndpointAnswer = remote.candidates.some(isAwake)
  const device = judgeDevice(input, estimators, canEndpointAnswer)
  const preferred = byPreference(device.candidates, remote.candidates, input, canEndpointAnswer)
  const { order, shifts, whyFirst } = applyShifts(preferred, input)
  const { prepareNext, remeasure, held } = inBackground(order, input)
  const standing = { order, whyFirst, prepareNext }
  const [before, after] = input.policy.prefer === 'remote' ? [remote, device] : [device, remote]
  return {
    model: input.model,
    placements: order.map((candidate, index) => planned(candidate, { ...standing, index }, input)),
    ruledOut: [...before.ruledOut, ...after.ruledOut],
    shifts: [...savedDownloads(device.ruledOut), ...shifts, ...(held === undefined ? [] : [held])],
    ...(prepareNext !== undefined && { prepareNext }),
    ...(remeasure !== undefined && { remeasure }),
    ...(input.storage !== undefined && { storage: input.storage }),
  }
}

function planned(candidate: Candidate, standing: Standing, input: PlanInput): PlannedPlacement {
  const { placement, estimate } = candidate
  const reason = reasonOf(candidate, standing, input)
  if (candidate.engine === 'remote') return { placement, reason, estimate, readiness: 'ready' }
  const { readiness, missingBytes } = candidate
  return { placement, reason, estimate, readiness, ...(missingBytes !== undefined && { missingBytes }) }
}

function savedDownloads(ruledOut: readonly RuledOutPlacement[]): readonly string[] {
  const bytes = ruledOut.flatMap(({ details }) => (details?.['savesData'] ? [Number(details['missingBytes'])] : []))
  if (bytes.length === 0) return []
  return [`data is to be saved: the endpoint answers, and ${bytesInWords(Math.max(...bytes))} are not downloaded`]
}
