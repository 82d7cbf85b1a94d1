/** Reads a manifest, and refuses one that is wrong with the path of the wrong field. */
import * as v from 'valibot'
import type { CanaryInput, Graph, Manifest, ManifestFile } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { describeIssue, formatPath, formatValue, type FieldPath } from './describe-issue.js'
import { manifestSchema } from './manifest-schema.js'

/**
 * Checks what a `manifest.json` holds and returns it with the keys that are known.
 *
 * @param json What `JSON.parse` returned.
 * @param where Where it came from (an address, a file), for the message.
 * @throws {EdgewardError} `MANIFEST_INVALID`; `details.path` is the wrong field, such as
 *   `variants[0].graphs.model.file.chunks[3]`.
 */
export function parseManifest(json: unknown, where: string): Manifest {
  checkSchemaVersion(json, where)
  const parsed = v.safeParse(manifestSchema, json, { abortEarly: true })
  if (!parsed.success) {
    const { path, problem } = describeIssue(parsed.issues[0])
    throw invalid(where, path, problem)
  }
  const wrong = firstContradiction(parsed.output)
  if (wrong) throw invalid(where, formatPath(wrong.path), wrong.problem)
  return parsed.output
}

interface Contradiction {
  readonly path: FieldPath
  readonly problem: string
}

function invalid(where: string, path: string, problem: string): EdgewardError {
  const field = path === '' ? 'the manifest' : path
  return new EdgewardError('MANIFEST_INVALID', `${where}: ${field} ${problem}`, { details: { where, path } })
}

/** A manifest of another version is not a broken one: it gets an answer of its own. */
function checkSchemaVersion(json: unknown, where: string): void {
  if (typeof json !== 'object' || json === null || !('schemaVersion' in json) || json.schemaVersion === 1) return
  const problem = `is ${formatValue(json.schemaVersion)}, and this version of Edgeward reads 1: pack the model again with the packing tool of this version, or use the Edgeward that the manifest was made for`
  throw invalid(where, 'schemaVersion', problem)
}

/** The first thing that no single field shows: parts of the manifest that contradict each other. */
function firstContradiction(manifest: Manifest): Contradiction | undefined {
  return contradictions(manifest).next().value
}

function* contradictions(manifest: Manifest): Generator<Contradiction, undefined> {
  for (const [role, file] of Object.entries(manifest.assets)) {
    yield* chunkContradictions(file, manifest.chunkBytes, ['assets', role])
  }
  const dtypes = new Set<string>()
  for (const [index, variant] of manifest.variants.entries()) {
    if (dtypes.has(variant.dtype)) {
      const problem = `is "${variant.dtype}" again, should be one variant for each dtype`
      yield { path: ['variants', index, 'dtype'], problem }
    }
    dtypes.add(variant.dtype)
    for (const [name, graph] of Object.entries(variant.graphs)) {
      const path = ['variants', index, 'graphs', name]
      yield* chunkContradictions(graph.file, manifest.chunkBytes, [...path, 'file'])
      yield* externalContradictions(graph, manifest.chunkBytes, [...path, 'externalData'])
      yield* canaryContradictions(graph, [...path, 'canary'])
    }
  }
}

function* chunkContradictions(file: ManifestFile, chunkBytes: number, path: FieldPath): Generator<Contradiction> {
  const expected = Math.ceil(file.bytes / chunkBytes)
  if (file.chunks.length === expected) return
  const problem = `has ${file.chunks.length} digests, should be ${expected}: ${file.bytes} bytes in chunks of ${chunkBytes}`
  yield { path: [...path, 'chunks'], problem }
}

function* externalContradictions(
  { file, externalData = [] }: Graph,
  chunkBytes: number,
  path: FieldPath,
): Generator<Contradiction> {
  const folder = file.path.slice(0, file.path.lastIndexOf('/') + 1)
  for (const [index, data] of externalData.entries()) {
    if (!data.path.startsWith(folder)) {
      const problem = `is "${data.path}", should begin with "${folder}", the folder of the graph's own file`
      yield { path: [...path, index, 'path'], problem }
    }
    if (data.path === file.path) yield { path: [...path, index, 'path'], problem: "is the graph's own file again" }
    yield* chunkContradictions(data, chunkBytes, [...path, index])
  }
}

function* canaryContradictions(graph: Graph, path: FieldPath): Generator<Contradiction> {
  for (const [name, input] of Object.entries(graph.canary?.inputs ?? {})) {
    const spec = graph.inputs.find((candidate) => candidate.name === name)
    const at = [...path, 'inputs', name]
    if (!spec) yield unknownName(at, 'input', graph.inputs)
    else if (spec.dtype !== input.dtype) {
      yield { path: [...at, 'dtype'], problem: `is "${input.dtype}", should be "${spec.dtype}" as the graph's input` }
    }
    yield* lengthContradictions(input, at)
  }
  for (const name of Object.keys(graph.canary?.outputs ?? {})) {
    if (graph.outputs.some((spec) => spec.name === name)) continue
    yield unknownName([...path, 'outputs', name], 'output', graph.outputs)
  }
}

function unknownName(path: FieldPath, kind: 'input' | 'output', specs: Graph['inputs']): Contradiction {
  const names = specs.map((spec) => spec.name).join(', ')
  return { path, problem: `names no ${kind} of the graph, should be one of: ${names}` }
}

function* lengthContradictions(input: CanaryInput, path: FieldPath): Generator<Contradiction> {
  if (!('data' in input)) return
  const expected = input.shape.reduce((product, length) => product * length, 1)
  if (input.data.length === expected) return
  const problem = `has ${input.data.length} values, should be ${expected} for the shape [${input.shape.join(', ')}]`
  yield { path: [...path, 'data'], problem }
}
