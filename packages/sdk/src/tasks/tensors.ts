/** The task `tensors`: named tensors in, named tensors out, as the model's one graph has them. */
import type { Graph, Manifest, Tensor, TaskDefinition, TensorMap, TensorSpec } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { nearestName } from '../shared/index.js'
import { invalidInput } from './check-input.js'
import { findGraph } from './manifest-parts.js'

/** Runs the graph called `model` on the caller's tensors, after checking them against the manifest. */
export const tensors: TaskDefinition<'tensors'> = {
  name: 'tensors',
  async load({ manifest }) {
    const graph = soleGraph(manifest)
    return {
      async run(input, options, context) {
        checkAgainst(graph.inputs, input, manifest)
        if (options.outputs !== undefined) checkOutputs(graph.outputs, options.outputs, manifest)
        context.signal.throwIfAborted()
        return context.infer('model', input, options.outputs)
      },
    }
  },
}

/** Tensors by name say nothing about which graph they are for, so the model must have only one. */
function soleGraph(manifest: Manifest): Graph {
  const graph = findGraph(manifest, 'model')
  if (graph !== undefined) return graph
  const found = Object.keys(manifest.variants[0].graphs).join('", "')
  const problem = `has the graphs "${found}" and no "model", so it cannot do the task "tensors"`
  throw new EdgewardError('UNSUPPORTED_TASK', `"${manifest.id}" ${problem}; its task is "${manifest.task}".`)
}

type Specs = readonly TensorSpec[]

/** Every input is there, none is unknown, and each has the dtype and shape that the manifest states. */
function checkAgainst(specs: Specs, input: TensorMap, manifest: Manifest): void {
  const unknown = Object.keys(input).find((name) => !specs.some((spec) => spec.name === name))
  if (unknown !== undefined) throw invalidInput(unknownName('input', unknown, specs, manifest), { tensor: unknown })
  const symbols: Symbols = new Map()
  for (const spec of specs) {
    const tensor = Object.hasOwn(input, spec.name) ? input[spec.name] : undefined
    if (tensor === undefined) {
      throw invalidInput(`The tensor "${spec.name}" is missing: "${manifest.id}" takes ${list(specs)}.`, {
        tensor: spec.name,
      })
    }
    checkSpec(spec, tensor, symbols)
  }
}

/** The length of each symbolic dimension, and the tensor that it was first seen in. */
type Symbols = Map<string, { readonly length: number; readonly tensor: string }>

function checkSpec(spec: TensorSpec, tensor: Tensor, symbols: Symbols): void {
  const fail = (problem: string): never => {
    throw invalidInput(`The tensor "${spec.name}" ${problem}.`, { tensor: spec.name })
  }
  if (tensor.dtype !== spec.dtype) fail(`must be ${spec.dtype}, and is ${tensor.dtype}`)
  const came = `and is [${tensor.shape.join(', ')}]`
  if (tensor.shape.length !== spec.shape.length) fail(`must have the shape [${spec.shape.join(', ')}], ${came}`)
  tensor.shape.forEach((length, axis) => {
    const expected = spec.shape[axis]
    if (typeof expected === 'number') {
      if (length !== expected) fail(`must have the shape [${spec.shape.join(', ')}], ${came}`)
    } else if (expected !== undefined) {
      const seen = symbols.get(expected)
      if (seen === undefined) symbols.set(expected, { length, tensor: spec.name })
      else if (seen.length !== length) {
        fail(`must have the length ${seen.length} in "${expected}", as the tensor "${seen.tensor}" has, ${came}`)
      }
    }
  })
}

function checkOutputs(specs: Specs, outputs: readonly string[], manifest: Manifest): void {
  if (!isNames(outputs)) {
    throw new EdgewardError('INVALID_OPTION', 'The option "outputs" must be an array with at least one name.')
  }
  const unknown = outputs.find((name) => !specs.some((spec) => spec.name === name))
  if (unknown === undefined) return
  throw new EdgewardError('INVALID_OPTION', unknownName('output', unknown, specs, manifest), {
    details: { output: unknown },
  })
}

/** JavaScript callers may hand over anything. */
function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string')
}

function unknownName(kind: 'input' | 'output', name: string, specs: Specs, manifest: Manifest): string {
  const nearest = nearestName(
    name,
    specs.map((spec) => spec.name),
  )
  const hint = nearest === undefined ? '' : ` Did you mean "${nearest}"?`
  return `"${manifest.id}" has no ${kind} "${name}".${hint} It ${kind === 'input' ? 'takes' : 'gives'} ${list(specs)}.`
}

function list(specs: Specs): string {
  return specs.map((spec) => `"${spec.name}" (${spec.dtype} [${spec.shape.join(', ')}])`).join(', ')
}
