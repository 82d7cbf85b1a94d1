/** Takes back what a graph says of its outputs' shapes where its canary shows that it does not keep to it. */
import type { Canary, TensorSpec } from 'edgeward/manifest'

type Specs = { readonly inputs: readonly TensorSpec[]; readonly outputs: readonly TensorSpec[] }

/**
 * The outputs, with a symbolic dimension of its own, called `<tensor>_<axis>`, wherever the canary's output has another length
 * than the graph states: exporters write shapes that their own models do not keep, ONNX Runtime runs them all the same, and
 * clients refuse outputs that are not as the manifest says. An output without any shape stays so.
 */
export function keptShapes({ inputs, outputs }: Specs, canary: Canary): readonly TensorSpec[] {
  const lengths = new Map<string, number>()
  for (const { name, shape } of inputs) note(shape, canary.inputs[name]?.shape, lengths)
  return outputs.map((spec) => {
    const ran = canary.outputs[spec.name]?.shape
    if (ran === undefined || spec.shape.length === 0) return spec
    const isOfRank = ran.length === spec.shape.length
    const shape = ran.map((length, axis) => {
      const stated = spec.shape[axis]
      const known = typeof stated === 'string' ? (lengths.get(stated) ?? length) : stated
      return isOfRank && stated !== undefined && known === length ? stated : `${spec.name}_${axis}`
    })
    note(shape, ran, lengths)
    return { ...spec, shape }
  })
}

/** Notes how long each symbol is in a tensor, if it is not known yet. */
function note(shape: TensorSpec['shape'], ran: readonly number[] | undefined, lengths: Map<string, number>): void {
  for (const [axis, symbol] of shape.entries()) {
    const length = ran?.[axis]
    if (typeof symbol === 'string' && length !== undefined && !lengths.has(symbol)) lengths.set(symbol, length)
  }
}
