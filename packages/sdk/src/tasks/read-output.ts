/** Reads a tensor that a graph gave, and refuses one that is not what the task can work with. */
import type { TensorMap, TensorOf } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'

/**
 * The float32 output called `name`. `shape` says what it must be; `undefined` stands for any length.
 *
 * @throws EdgewardError `OUTPUT_INVALID` when it is missing, of another dtype or of another shape.
 */
export function readFloats(
  outputs: TensorMap,
  name: string,
  shape: readonly (number | undefined)[],
): TensorOf<'float32'> {
  const tensor = Object.hasOwn(outputs, name) ? outputs[name] : undefined
  const fits =
    tensor?.dtype === 'float32' &&
    tensor.shape.length === shape.length &&
    shape.every((length, axis) => length === undefined || length === tensor.shape[axis]) &&
    tensor.data.length === tensor.shape.reduce((product, length) => product * length, 1)
  if (fits) return tensor
  const right = `float32 [${shape.map((length) => length ?? 'any').join(', ')}]`
  const came = tensor === undefined ? 'missing' : `${tensor.dtype} [${tensor.shape.join(', ')}]`
  throw new EdgewardError('OUTPUT_INVALID', `The output "${name}" must be ${right}, and is ${came}.`, {
    details: { output: name },
  })
}
