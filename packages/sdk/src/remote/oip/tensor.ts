/** Checks on tensors before they travel, and their assembly after. */
import type { Tensor, TensorDtype } from '../../contract/index.js'
import { arrayTypes, type NumericDtype } from './datatype.js'
import { elementCount, isSize, type Field } from './field.js'

/** Finds half of a surrogate pair, which UTF-8 cannot hold. */
export const loneSurrogate = /[\ud800-\udfff]/u

/** The typed array that holds numeric values. */
export type NumericData = InstanceType<(typeof arrayTypes)[NumericDtype]>

/** A tensor from parts of which the caller knows that they belong together. */
export function toTensor(dtype: TensorDtype, shape: readonly number[], data: NumericData | readonly string[]): Tensor {
  // The compiler cannot follow which array belongs to which dtype; `arrayTypes` says so.
  return { dtype, shape, data } as Tensor
}

/** Refuses a tensor whose data, dtype and shape do not belong together, or that UTF-8 cannot hold. */
export function checkTensor({ dtype, shape, data }: Tensor, field: Field): void {
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw field.get('shape').error(`must be whole numbers from 0, found [${String(shape)}]`)
  }
  const wanted = dtype === 'string' ? 'Array' : arrayTypes[dtype].name
  const found = Object.prototype.toString.call(data).slice('[object '.length, -1)
  if (found !== wanted) throw field.get('data').error(`must be of type ${wanted} for dtype ${dtype}, found ${found}`)
  if (data.length !== elementCount(shape)) {
    throw field
      .get('shape')
      .error(`[${shape.join(', ')}] needs ${elementCount(shape)} values, but data has ${data.length}`)
  }
  if (dtype === 'string') checkTexts(data, field.get('data'))
}

function checkTexts(texts: readonly unknown[], field: Field): void {
  texts.forEach((text, index) => {
    if (typeof text === 'string' && !loneSurrogate.test(text)) return
    throw field.error(`value ${index} must be a string without lone surrogates`)
  })
}
