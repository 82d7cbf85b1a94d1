/** Bodies that no client should send, for fast-check: noise, and good requests with something changed. */
import type { TensorMap } from 'edgeward'
import fc from 'fast-check'
import { encode, rowOf, tokensOf } from './requests.js'

/** One request as it goes over the wire. */
export interface FuzzedCall {
  readonly model: string
  readonly body: Uint8Array
  /** `Inference-Header-Content-Length`; undefined: without. */
  readonly jsonBytes: string | undefined
}

const jsonBytesHeader = 'Inference-Header-Content-Length'

const float = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 1e38, -1e38))
const rows = fc
  .array(fc.tuple(float, float, float, float), { minLength: 1, maxLength: 4 })
  .map((values): [string, TensorMap] => ['tiny-mlp', rowOf(...values.flat())])
const tokens = fc
  .array(fc.integer({ min: 0, max: 30_521 }), { minLength: 1, maxLength: 6 })
  .map((ids): [string, TensorMap] => ['all-minilm-l6-v2', tokensOf(...ids)])
/** Mostly the small model: the other one takes longer. */
const good = fc.oneof({ weight: 9, arbitrary: rows }, { weight: 1, arbitrary: tokens })

const noise = fc
  .tuple(fc.uint8Array({ maxLength: 300 }), fc.option(fc.nat({ max: 400 }), { nil: undefined }))
  .map(([body, length]): FuzzedCall => ({ model: 'tiny-mlp', body, jsonBytes: length?.toString() }))

/** What may stand in place of any value. */
const oddValue = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 2 ** 31, 2 ** 53, 1e308, '', 'FP32', 'INT64', 'BYTES', [], {}, [[]]),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

const structural = fc
  .tuple(good, fc.array(fc.tuple(fc.nat(), fc.option(oddValue, { nil: undefined })), { minLength: 1, maxLength: 3 }))
  .map(([[model, inputs], changes]): FuzzedCall => {
    let message: unknown = JSON.parse(asText(encode(inputs, false).body))
    for (const [place, value] of changes) message = changeAt(message, place, value)
    return { model, body: new TextEncoder().encode(JSON.stringify(message ?? null)), jsonBytes: undefined }
  })

const edit = fc.record({
  at: fc.nat(),
  cut: fc.integer({ min: 0, max: 4 }),
  put: fc.oneof(fc.uint8Array({ maxLength: 4 }), fc.constantFrom('"', '{', '[', ']', ',', '9', '-', 'e9').map(asBytes)),
})

/** Bytes of JSON or binary requests replaced, removed or inserted; sometimes with another length of the JSON. */
const bytewise = fc
  .tuple(good, fc.boolean(), fc.array(edit, { maxLength: 4 }), fc.option(fc.integer({ min: -3, max: 400 })), fc.nat(9))
  .map(([[model, inputs], binary, edits, length, cutShort]): FuzzedCall => {
    const { body, headers } = encode(inputs, binary)
    let bytes = Buffer.from(body)
    for (const { at, cut, put } of edits) {
      const start = at % (bytes.length + 1)
      bytes = Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + cut)])
    }
    if (cutShort === 0) bytes = bytes.subarray(0, bytes.length >> 1)
    return { model, body: bytes, jsonBytes: length?.toString() ?? headers[jsonBytesHeader] }
  })

/** Binary requests whose JSON is good and whose sizes, shapes and datatypes are not. */
const binary = fc
  .tuple(good, fc.nat(), oddValue, fc.uint8Array({ maxLength: 40 }), fc.boolean())
  .map(([[model, inputs], place, value, extra, adds]): FuzzedCall => {
    const { body, headers } = encode(inputs, true)
    const bytes = Buffer.from(body)
    const end = Number(headers[jsonBytesHeader] ?? bytes.length)
    const message = changeAt(JSON.parse(bytes.subarray(0, end).toString()), place, value)
    const json = asBytes(JSON.stringify(message ?? null))
    const tail = adds ? Buffer.concat([bytes.subarray(end), extra]) : bytes.subarray(end)
    return { model, body: Buffer.concat([json, tail]), jsonBytes: String(json.length) }
  })

const untouched = good.map(([model, inputs]): FuzzedCall => {
  const { body, headers } = encode(inputs, true)
  return { model, body: asBytes(body), jsonBytes: headers[jsonBytesHeader] }
})

export const fuzzedCalls = fc.oneof(
  { weight: 2, arbitrary: noise },
  { weight: 4, arbitrary: structural },
  { weight: 3, arbitrary: bytewise },
  { weight: 3, arbitrary: binary },
  { weight: 1, arbitrary: untouched },
)

/** A copy of `message` with the value at one of its places, counted in the order of a walk, removed or replaced. */
function changeAt(message: unknown, place: number, value: unknown): unknown {
  const places = countPlaces(message)
  let left = place % places
  const walk = (node: unknown): unknown => {
    if (left-- === 0) return value
    if (Array.isArray(node)) return node.map(walk).filter((item) => item !== undefined)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, walk(child)]))
  }
  return walk(message)
}

function countPlaces(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 1
  return Object.values(node).reduce<number>((sum, child) => sum + countPlaces(child), 1)
}

function asText(body: string | Uint8Array): string {
  return typeof body === 'string' ? body : new TextDecoder().decode(body)
}

function asBytes(body: string | Uint8Array): Uint8Array {
  return typeof body === 'string' ? new TextEncoder().encode(body) : body
}
