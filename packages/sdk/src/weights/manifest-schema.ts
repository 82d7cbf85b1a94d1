/** The manifest's schema: the one place from which the check, the JSON Schema and the recipe's shared parts are made. */
import * as v from 'valibot'
import type { Manifest } from '../contract/index.js'

/** A record of a weights database stays well below 32 MiB; see the design. */
const maxChunkBytes = 16 * 1024 * 1024

// Every check's message finishes the sentence "… should be …".
export const textSchema = v.pipe(v.string(), v.nonEmpty('a text that is not empty'))
export const countSchema = v.pipe(
  v.number(),
  v.integer('a whole number'),
  v.minValue(0, 'zero or more'),
  v.maxValue(Number.MAX_SAFE_INTEGER, 'a number that JavaScript can count to'),
)
export const sha256Schema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'a SHA-256: 64 lower-case hex digits'))
const shape = v.array(countSchema)
const dtype = v.picklist([
  ...(['float32', 'float64', 'float16', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32'] as const),
  ...(['int64', 'uint64', 'bool', 'string'] as const),
])

/** A model's id: it is a folder's name and a part of an address. */
export const idSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][\w.-]*$/, 'letters, digits, ".", "_" and "-", beginning with a letter or a digit'),
)

/** A relative path that stays below its folder on every system and in every address: no `..`, no scheme, no escape. */
export const pathSchema = v.pipe(
  v.string(),
  v.regex(
    /^(?!\.{1,2}(?:\/|$))[\w.+@-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.+@-]+)*$/,
    'a relative path: segments of letters, digits, ".", "_", "-", "+" and "@", joined by "/", none of them "." or ".."',
  ),
)

/** Whether a path is one that a manifest may have. */
export function isPlainPath(path: string): boolean {
  return v.is(pathSchema, path)
}

const fileSchema = v.object({
  path: pathSchema,
  bytes: countSchema,
  sha256: sha256Schema,
  chunks: v.array(sha256Schema),
})

const tensorSpecSchema = v.object({
  name: textSchema,
  dtype,
  shape: v.array(v.union([countSchema, textSchema], 'a length, or the name of a symbolic dimension')),
})

export const canaryInputSchema = v.union(
  [
    v.object({ dtype, shape, data: v.array(v.union([v.number(), v.string()], 'a number or a text')) }),
    v.object({ dtype, shape, fill: v.literal('ramp') }),
  ],
  'an input with a dtype, a shape, and either data or fill: "ramp"',
)

const nonNegative = v.pipe(v.number(), v.minValue(0, 'zero or more'))

export const toleranceSchema = v.object({ absolute: nonNegative, relative: nonNegative })

export const variantDtypeSchema = v.picklist(['fp32', 'fp16', 'q8', 'int8', 'q4', 'q4f16'])

const canarySchema = v.object({
  inputs: v.record(v.string(), canaryInputSchema),
  outputs: v.record(
    v.string(),
    v.object({
      shape,
      stride: v.pipe(countSchema, v.minValue(1, 'one or more')),
      values: v.array(v.number()),
      tolerance: toleranceSchema,
    }),
  ),
  madeFrom: v.exactOptional(variantDtypeSchema),
})

const graphSchema = v.object({
  file: fileSchema,
  externalData: v.exactOptional(v.array(fileSchema)),
  inputs: v.array(tensorSpecSchema),
  outputs: v.array(tensorSpecSchema),
  canary: v.exactOptional(canarySchema),
})

export const backendsSchema = v.array(v.picklist(['webgpu', 'wasm']))
export const taskSchema = v.picklist(['tensors', 'feature-extraction', 'image-to-text', 'text-generation'])
export const configSchema = v.record(v.string(), v.unknown())

const variantSchema = v.object({
  dtype: variantDtypeSchema,
  backends: backendsSchema,
  memoryBytes: v.exactOptional(countSchema),
  graphs: v.pipe(v.record(v.string(), graphSchema), v.minEntries(1, 'at least one graph')),
})

const costSchema = v.object({
  parameters: nonNegative,
  operationsPerUnit: v.exactOptional(nonNegative),
  largestTensorParameters: v.exactOptional(nonNegative),
})

/** The schema of `manifest.json`. Keys it does not know are let through: a newer tool may have written them. */
export const manifestSchema = v.object({
  schemaVersion: v.literal(1),
  id: idSchema,
  revision: textSchema,
  task: taskSchema,
  licence: textSchema,
  chunkBytes: v.pipe(countSchema, v.minValue(1, 'one or more'), v.maxValue(maxChunkBytes, 'at most 16 MiB')),
  assets: v.record(v.string(), fileSchema),
  config: configSchema,
  cost: v.exactOptional(costSchema),
  variants: v.tupleWithRest([variantSchema], variantSchema),
  provenance: v.array(v.object({ file: textSchema, source: textSchema, sha256: sha256Schema })),
  packedBy: textSchema,
})

/** Both sides in one spelling (all read-only, no named types), so that they can be compared for being the same. */
type Spelled<T> = T extends unknown ? { readonly [K in keyof T]: Spelled<T[K]> } : never
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/**
 * Fails to compile as soon as the schema and the contract's type say different things, in either direction.
 *
 * @public
 */
export type SchemaMatchesContract = Proof<Same<Spelled<v.InferOutput<typeof manifestSchema>>, Spelled<Manifest>>>
type Proof<T extends true> = T
