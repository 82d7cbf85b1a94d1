/** Runs a graph's canary: a known input whose output shows whether the backend computes rightly here. */
import type { Canary, TensorMap } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { canaryTensor, compareCanary } from '../weights/index.js'
import { isAllZeros } from './suspicion.js'

/** Runs the graph, for the outputs that are named. */
export type RunGraph = (inputs: TensorMap, outputs: readonly string[]) => Promise<TensorMap>

/**
 * Runs the canary, which also warms the session, and compares every output that it has.
 *
 * @throws EdgewardError CANARY_FAILED with `details.output` and what was found there
 */
export async function runCanary(run: RunGraph, canary: Canary, where: string): Promise<void> {
  const outputs = await run(canaryInputs(canary), Object.keys(canary.outputs))
  const mismatch = compareCanary(canary, outputs)
  if (mismatch === undefined) return
  const { output, what, details } = mismatch
  const found = outputs[output]
  // The sign of a driver that does nothing at all.
  const all = found && isAllZeros(found) ? ', like all of it: it is nothing but zeros' : ''
  const message = `${where} computes wrongly on this device: the canary's output ${output} ${what}${all}.`
  throw new EdgewardError('CANARY_FAILED', message, { details: { output, ...details } })
}

function canaryInputs({ inputs }: Canary): TensorMap {
  return Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, canaryTensor(input)]))
}
