/** Puts requests of one task together, so that one run answers all of them: what is merged, and how it is split again. */
import type { Manifest, TaskBatching, TaskName, Tensor, TensorMap, VariantDtype } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'

/**
 * How requests of `task` are merged, where a model's batch dimension is symbolic: then a row's output depends on that row
 * alone. Undefined where it is not, for the variant `int8`, whose activations are quantised over the whole tensor, so that
 * a row's output depends on its neighbours, and for tasks whose input has no rows.
 */
export function batchingOf(
  task: TaskName,
  manifest: Manifest,
  variant: VariantDtype,
): TaskBatching<TaskName> | undefined {
  if (variant === 'int8' || !hasBatchDimension(manifest)) return undefined
  if (task === 'feature-extraction') return texts
  return task === 'tensors' ? tensors : undefined
}

/**
 * Whether all that the graphs take and give has the batch first: one symbol, which is nowhere else. Its name must say so:
 * the first dimension of a graph may also be a sequence, whose steps depend on each other.
 */
function hasBatchDimension({ variants: [{ graphs }] }: Manifest): boolean {
  const shapes = Object.values(graphs).flatMap(({ inputs, outputs }) =>
    [...inputs, ...outputs].map(({ shape }) => shape),
  )
  const [batch] = shapes[0] ?? []
  return (
    typeof batch === 'string' &&
    /^n$|batch/i.test(batch) &&
    shapes.every((shape) => shape.indexOf(batch) === 0 && shape.lastIndexOf(batch) === 0)
  )
}

const texts: TaskBatching<'feature-extraction'> = {
  kindOf: () => '',
  rowsOf: (input) => listOf(input).length,
  merge: (inputs) => inputs.flatMap(listOf),
  split(output, inputs) {
    checkRows(
      output.length,
      inputs.reduce((sum, input) => sum + listOf(input).length, 0),
    )
    return slices(inputs.map((input) => listOf(input).length)).map(({ begin, end }) => output.slice(begin, end))
  },
}

const tensors: TaskBatching<'tensors'> = {
  kindOf(input, { outputs }) {
    const all = Object.entries(input).sort(([a], [b]) => (a < b ? -1 : 1))
    const rows = rowsOf(input)
    if (!all.every(([, { dtype, shape }]) => dtype !== 'string' && shape[0] === rows)) return undefined
    return JSON.stringify([outputs, all.map(([name, { dtype, shape }]) => [name, dtype, shape.slice(1)])])
  },
  rowsOf,
  merge([first = {}, ...others]) {
    return mapTensors(first, (name, tensor) => joined([tensor, ...others.flatMap((other) => other[name] ?? [])]))
  },
  split(output, inputs) {
    const parts = slices(inputs.map(rowsOf))
    for (const { shape } of Object.values(output)) checkRows(shape[0], parts.at(-1)?.end ?? 0)
    return parts.map(({ begin, end }) => mapTensors(output, (_name, tensor) => rowsBetween(tensor, begin, end)))
  },
}

function listOf(input: string | readonly string[]): readonly string[] {
  return typeof input === 'string' ? [input] : input
}

function rowsOf(input: TensorMap): number {
  return Object.values(input)[0]?.shape[0] ?? 0
}

/** Where each of so many rows lies among all of them. */
function slices(rows: readonly number[]): { readonly begin: number; readonly end: number }[] {
  let end = 0
  return rows.map((count) => ({ begin: end, end: (end += count) }))
}

function mapTensors(map: TensorMap, change: (name: string, tensor: Tensor) => Tensor): TensorMap {
  return Object.fromEntries(Object.entries(map).map(([name, tensor]) => [name, change(name, tensor)]))
}

/** The typed arrays of all dtypes but strings, which are never merged. */
type Values = Exclude<Tensor['data'], readonly string[]>

/** The tensors one after the other along dimension 0. */
function joined(parts: readonly Tensor[]): Tensor {
  const [first] = parts as readonly [Tensor, ...Tensor[]] // There is one for each request.
  const [, ...row] = first.shape
  // Tensors of one kind have one dtype, and so one kind of array; the compiler cannot know which.
  const values = parts.map(({ data }) => data as Float32Array)
  const data = new (first.data.constructor as Float32ArrayConstructor)(
    values.reduce((sum, { length }) => sum + length, 0),
  )
  let at = 0
  for (const part of values) {
    data.set(part, at)
    at += part.length
  }
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0)
  return { dtype: first.dtype, shape: [rows, ...row], data } as Tensor
}

function rowsBetween({ dtype, shape: [, ...row], data }: Tensor, begin: number, end: number): Tensor {
  const size = row.reduce((product, length) => product * length, 1)
  return { dtype, shape: [end - begin, ...row], data: (data as Values).slice(begin * size, end * size) } as Tensor
}

function checkRows(found: number | undefined, expected: number): void {
  if (found === expected) return
  throw new EdgewardError('OUTPUT_INVALID', `A batch of ${expected} rows gave ${found ?? 'no'} rows.`)
}
