/** Runs a graph's canary: a known input whose output shows whether the backend computes rightly here. */
import type { Canary, CanaryOutput, Graph, Tensor, TensorMap } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { canaryTensor } from '../weights/index.js'
import type { Turn } from './lane-queue.js'
import type { GraphSession } from './ort-session.js'

/** Runs the canary, if there is one; the run also warms the session. @throws EdgewardError CANARY_FAILED */
export async function runCanary(session: GraphSession, graph: Graph, where: string, turn: Turn): Promise<void> {
  const { canary } = graph
  if (canary === undefined) return
  const outputs = await session.run(canaryInputs(canary), Object.keys(canary.outputs), turn)
  for (const [name, expected] of Object.entries(canary.outputs)) check(name, outputs[name], expected, where)
}

function check(name: string, found: Tensor | undefined, expected: CanaryOutput, where: string): void {
  const fail = (what: string, details: Readonly<Record<string, unknown>>) => {
    const message = `${where} computes wrongly on this device: the canary's output ${name} ${what}.`
    throw new EdgewardError('CANARY_FAILED', message, { details: { output: name, ...details } })
  }
  if (found === undefined || String(found.shape) !== String(expected.shape)) {
    return fail('has another shape', { expected: expected.shape, found: found?.shape })
  }
  expected.values.forEach((value, index) => {
    const position = index * expected.stride
    const difference = Math.abs(Number(found.data[position]) - value)
    const allowed = expected.tolerance.absolute + expected.tolerance.relative * Math.abs(value)
    // Written so that NaN fails too.
    if (!(difference <= allowed)) {
      fail(`is ${String(found.data[position])} instead of ${value} at ${position}`, { position, difference, allowed })
    }
  })
}

function canaryInputs({ inputs }: Canary): TensorMap {
  return Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, canaryTensor(input)]))
}
