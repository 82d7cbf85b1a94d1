/** A message that is wrong is refused with its code and the path of the wrong field, and costs no memory. */
import { describe, expect, it } from 'vitest'
import type { Tensor } from '../../../packages/sdk/src/contract/index.js'
import { decodeInferRequest, decodeInferResponse, encodeInferRequest } from '../../../packages/sdk/src/oip.js'
import { datatypeOf, dtypeOf } from '../../../packages/sdk/src/oip.js'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A request with one input `x`, whose fields are JSON text, and bytes after it. */
const request = (input: string, tail: Uint8Array = new Uint8Array()): [Uint8Array, number] => {
  const head = encode(`{"inputs":[{"name":"x",${input}}]}`)
  return [Uint8Array.of(...head, ...tail), head.length]
}

const thrown = (act: () => unknown): unknown => {
  try {
    return act()
  } catch (error) {
    return error
  }
}

describe('a request', () => {
  it.each([
    ['too few values', '"datatype":"FP32","shape":[3],"data":[1,2]', 'inputs[0].data', 'has 2 values'],
    ['too many values', '"datatype":"FP32","shape":[1],"data":[1,2]', 'inputs[0].data', 'needs 1'],
    ['a ragged nest', '"datatype":"FP32","shape":[2,2],"data":[[1,2,3],[4]]', 'inputs[0].data', 'is nested'],
    ['a nest deeper than its shape', '"datatype":"FP32","shape":[2],"data":[[1],[2]]', 'inputs[0].data', 'value 0'],
    ['a negative dimension', '"datatype":"FP32","shape":[-1],"data":[]', 'inputs[0].shape[0]', 'found -1'],
    ['a fractional dimension', '"datatype":"FP32","shape":[1.5],"data":[1]', 'inputs[0].shape[0]', 'found 1.5'],
    [
      'a dimension above 2^53',
      '"datatype":"FP32","shape":[99999999999999999],"data":[1]',
      'inputs[0].shape[0]',
      '9999',
    ],
    ['a huge shape', '"datatype":"FP32","shape":[4294967296,4294967296],"data":[1]', 'inputs[0].data', 'has 1 values'],
    ['no shape', '"datatype":"FP32","data":[1]', 'inputs[0].shape', 'is missing'],
    ['no data', '"datatype":"FP32","shape":[1]', 'inputs[0].data', 'is missing'],
    ['data that is not a list', '"datatype":"FP32","shape":[],"data":1', 'inputs[0].data', 'must be an array'],
    ['a string for a number', '"datatype":"FP32","shape":[1],"data":["1"]', 'inputs[0].data', 'must be a number'],
    ['a number for a string', '"datatype":"BYTES","shape":[1],"data":[1]', 'inputs[0].data', 'must be a string'],
    ['half a surrogate pair', '"datatype":"BYTES","shape":[1],"data":["\\ud800"]', 'inputs[0].data', 'valid Unicode'],
    ['256 as UINT8', '"datatype":"UINT8","shape":[1],"data":[256]', 'inputs[0].data', 'fits uint8, found 256'],
    ['a fraction as INT32', '"datatype":"INT32","shape":[1],"data":[1.5]', 'inputs[0].data', 'fits int32'],
    ['null as INT32', '"datatype":"INT32","shape":[1],"data":[null]', 'inputs[0].data', 'fits int32'],
    ['NaN as INT64', '"datatype":"INT64","shape":[1],"data":[NaN]', 'inputs[0].data', 'fits int64'],
    ['2^63 as INT64', '"datatype":"INT64","shape":[1],"data":[9223372036854775808]', 'inputs[0].data', 'fits int64'],
    ['-1 as UINT64', '"datatype":"UINT64","shape":[1],"data":[-1]', 'inputs[0].data', 'fits uint64'],
    ['2 as BOOL', '"datatype":"BOOL","shape":[1],"data":[2]', 'inputs[0].data', 'true or false'],
    [
      'parameters that are a list',
      '"datatype":"BOOL","shape":[0],"data":[],"parameters":[]',
      'inputs[0].parameters',
      'object',
    ],
  ])('with %s is refused', (_, input, path, message) => {
    expect(thrown(() => decodeInferRequest(request(input)[0]))).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(message) as string,
      details: { path },
    })
  })

  const size = (bytes: number | string) => `"parameters":{"binary_data_size":${bytes}}`
  it.each([
    ['a size beyond the body', `"datatype":"FP32","shape":[2],${size(8)}`, 4, 'beyond the end'],
    ['a huge size', `"datatype":"FP32","shape":[2],${size(9007199254740991)}`, 4, 'beyond the end'],
    ['a negative size', `"datatype":"FP32","shape":[2],${size(-8)}`, 8, 'found -8'],
    ['a size as text', `"datatype":"FP32","shape":[2],${size('"8"')}`, 8, 'found "8"'],
    ['a size that is not of the shape', `"datatype":"FP32","shape":[3],${size(8)}`, 8, 'needs 12'],
    ['bytes that belong to no tensor', `"datatype":"FP32","shape":[2],${size(8)}`, 9, '1 bytes more'],
    ['bytes and no size', '"datatype":"FP32","shape":[1],"data":[1]', 3, '3 bytes more'],
    ['both data and bytes', `"datatype":"FP32","shape":[1],"data":[1],${size(4)}`, 4, 'only one'],
    ['a length of a string cut off', `"datatype":"BYTES","shape":[1],${size(3)}`, 3, 'middle of value 0'],
    ['fewer strings than its shape', `"datatype":"BYTES","shape":[3],${size(8)}`, 8, 'has 2 values'],
  ])('in bytes with %s is refused', (_, input, tailBytes, message) => {
    const act = () => decodeInferRequest(...request(input, new Uint8Array(tailBytes)))
    expect(thrown(act)).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining(message) as string })
  })

  it.each([
    ['a string longer than the tensor', [255, 255, 255, 255, 104], 'middle of value 0'],
    ['a string that is not UTF-8', [1, 0, 0, 0, 0xff], 'value 0 is not UTF-8'],
  ])('with %s in its bytes is refused', (_, tail, message) => {
    const input = `"datatype":"BYTES","shape":[1],${size(tail.length)}`
    expect(() => decodeInferRequest(...request(input, Uint8Array.from(tail)))).toThrow(message)
  })

  it('with bytes other than 0 and 1 in a BOOL is refused', () => {
    const input = `"datatype":"BOOL","shape":[1],${size(1)}`
    expect(() => decodeInferRequest(...request(input, Uint8Array.of(2)))).toThrow('other than 0 and 1')
  })

  it.each([
    ['a raw tensor', 0, 'a raw tensor is not supported'],
    ['a header beyond the body', 999, 'Inference-Header-Content-Length is 999'],
    ['a negative header', -1, 'Inference-Header-Content-Length is -1'],
    ['a header that is not a number', NaN, 'Inference-Header-Content-Length is NaN'],
    ['a header in the middle of the JSON', 20, 'is not JSON in UTF-8'],
  ])('with %s is refused', (_, jsonBytes, message) => {
    const [body] = request('"datatype":"FP32","shape":[1],"data":[1]')
    expect(() => decodeInferRequest(body, jsonBytes)).toThrow(message)
  })

  it.each([
    ['', 'is not JSON'],
    ['null', 'must be an object'],
    ['[]', 'must be an object'],
    ['{}', 'inputs: must be an array, but is missing'],
    ['{"inputs":{}}', 'inputs: must be an array'],
    ['{"inputs":[1]}', 'inputs[0]: must be an object'],
    ['{"inputs":[', 'is not JSON in UTF-8'],
    ['{"inputs":[]}}', 'is not JSON in UTF-8'],
    ['{"inputs":[],"outputs":[{}]}', 'outputs[0].name: must be a string, but is missing'],
    ['{"inputs":[],"id":7}', 'id: must be a string, found 7'],
  ])('that is %s is refused', (text, message) => {
    const error = thrown(() => decodeInferRequest(encode(text)))
    expect(error).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining(message) as string })
  })

  it('with two inputs of one name is refused', () => {
    const input = '{"name":"x","datatype":"BOOL","shape":[1],"data":[true]}'
    const error = thrown(() => decodeInferRequest(encode(`{"inputs":[${input},${input}]}`)))
    expect(error).toMatchObject({ code: 'INVALID_INPUT', details: { path: 'inputs[1]' } })
  })

  it('nested ten thousand levels deep is refused without exhausting the stack', () => {
    const deep = '['.repeat(10_000) + ']'.repeat(10_000)
    const error = thrown(() => decodeInferRequest(request(`"datatype":"FP32","shape":[1],"data":${deep}`)[0]))
    expect(error).toMatchObject({ code: 'INVALID_INPUT' })
  })

  it.each(['BF16', 'FLOAT', 'toString'])('of datatype %s is refused with what is possible', (datatype) => {
    expect(
      thrown(() => decodeInferRequest(request(`"datatype":"${datatype}","shape":[1],"data":[1]`)[0])),
    ).toMatchObject({
      code: 'UNSUPPORTED_DTYPE',
      message: expect.stringMatching(new RegExp(`'x' is of type ${datatype}.*FP16, FP32, FP64, BYTES`)) as string,
    })
  })
})

describe('a response', () => {
  const response = (output: string, tail = '') =>
    encode(`{"model_name":"m","outputs":[{"name":"y","datatype":"BYTES","shape":[1],${output}}]}${tail}`)

  it('is refused when its length does not agree with the sizes that it states', () => {
    const body = response('"parameters":{"binary_data_size":5}', '\u0001\0\0\0}}')
    expect(thrown(() => decodeInferResponse(body))).toMatchObject({ code: 'REMOTE_MALFORMED' })
    expect(thrown(() => decodeInferResponse(body.subarray(0, -2)))).toMatchObject({ code: 'REMOTE_MALFORMED' })
    expect(decodeInferResponse(body.subarray(0, -1)).outputs['y']?.data).toEqual(['}'])
  })

  it('is read past braces and quotes inside its strings when the header is hidden', () => {
    const head = '{"model_name":"}\\"}\\\\","outputs":[{"name":"y{","datatype":"BOOL","shape":[1],'
    const body = encode(`${head}"parameters":{"binary_data_size":1}}]}\u0001`)
    expect(decodeInferResponse(body)).toMatchObject({ modelName: '}"}\\', outputs: { 'y{': { dtype: 'bool' } } })
  })

  it('may have space around its JSON, null fields and fields that nobody knows', () => {
    const body = encode(
      '\n{"model_name":"m","model_version":null,"id":null,"parameters":null,"x":{"y":[]},"outputs":' +
        '[{"name":"y","datatype":"FP32","shape":[2],"parameters":null,"data":[1,null],"z":0}]}\r\n',
    )
    expect(decodeInferResponse(body)).toEqual({
      modelName: 'm',
      outputs: { y: { dtype: 'float32', shape: [2], data: Float32Array.of(1, NaN) } },
    })
  })

  it.each(['', '{', '<html></html>', '{"error":"no"}', '{"model_name":"m"}', '\xff'])(
    'that is %j is malformed',
    (text) => {
      expect(thrown(() => decodeInferResponse(encode(text)))).toMatchObject({ code: 'REMOTE_MALFORMED' })
    },
  )
})

describe('a tensor that contradicts itself never travels', () => {
  it.each<[string, unknown, string]>([
    ['a shape of another size', { dtype: 'float32', shape: [3], data: new Float32Array(2) }, 'needs 3 values'],
    ['a negative dimension', { dtype: 'float32', shape: [-1], data: new Float32Array(1) }, 'whole numbers from 0'],
    ['data of another type', { dtype: 'int64', shape: [1], data: Int32Array.of(1) }, 'of type BigInt64Array'],
    ['a plain array of numbers', { dtype: 'float32', shape: [1], data: [1] }, 'of type Float32Array'],
    ['half a surrogate pair', { dtype: 'string', shape: [1], data: ['\udc00'] }, 'lone surrogates'],
  ])('%s', (_, tensor, message) => {
    const act = () => encodeInferRequest({ inputs: { x: tensor as Tensor } }, { binary: true })
    expect(thrown(act)).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(message) as string,
      details: { path: expect.stringMatching(/^inputs\.x\./) as string },
    })
  })
})

it('names every dtype as the protocol does, and back', () => {
  expect(datatypeOf('float16', 'x')).toBe('FP16')
  expect(dtypeOf('BYTES', 'x')).toBe('string')
  expect(thrown(() => datatypeOf('bfloat16' as 'float16', 'x'))).toMatchObject({ code: 'UNSUPPORTED_DTYPE' })
})
