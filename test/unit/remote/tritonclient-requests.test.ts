/** The endpoint's side reads what Python's tritonclient really sends. */
import { describe, expect, it } from 'vitest'
import { decodeInferRequest, encodeInferRequest } from '../../../packages/sdk/src/oip.js'
import { parseHttp, readFixture } from './raw-http.js'

const x = { dtype: 'float32', shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) }

describe("tritonclient's requests", () => {
  it.each([
    ['cap1', { id: 'r1', inputs: { x }, outputs: [{ name: 'y', binary: true }], binaryOutput: false }],
    ['cap2', { id: 'r1', inputs: { x }, outputs: [{ name: 'y', binary: false }], binaryOutput: false }],
    ['cap3', { id: 'r1', inputs: { x }, outputs: [{ name: 'y', binary: false }], binaryOutput: false }],
    ['cap4', { inputs: { x }, binaryOutput: true }],
  ])('%s is read, though it has no Content-Type', (name, expected) => {
    const { headers, body } = parseHttp(readFixture(`tritonclient/${name}.req.http`))
    expect(headers.has('Content-Type')).toBe(false)
    const header = headers.get('Inference-Header-Content-Length')
    expect(decodeInferRequest(body, header === null ? undefined : Number(header))).toEqual(expected)
  })

  it("writes BYTES as tritonclient's golden bytes", () => {
    const inputs = { s: { dtype: 'string', shape: [2], data: ['hé', 'b'] } } as const
    const { body, headers } = encodeInferRequest({ inputs }, { binary: true })
    const tail = (body as Uint8Array).subarray(Number(headers['Inference-Header-Content-Length']))
    expect(Buffer.from(tail).toString('hex')).toBe('0300000068c3a90100000062')
  })
})
