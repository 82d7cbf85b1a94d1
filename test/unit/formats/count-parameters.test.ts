/** Weights are counted from the shapes in a graph's file. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { dataType, model, node, value, weight } from '../../../models/onnx-writer.mjs'
import { countParameters } from '../../../packages/sdk/src/formats/index.js'
import { encodeBytes, encodeVarint } from '../../../packages/sdk/src/formats/protobuf.js'
import { fromRoot } from '../../../scripts/lib/root.mjs'

/** `TensorProto.DataType`. */
const [uint8, int64, int4] = [2, 7, 22]

/** A tensor without its data. */
const tensor = (type: number, ...dims: Uint8Array[]) => Buffer.concat([...dims, encodeVarint(2, type)])
const dim = (length: number) => encodeVarint(1, length)
const graphOf = (initializers: Buffer[], nodes: Buffer[] = []) =>
  model({ name: 'g', nodes, initializers, inputs: [], outputs: [] })

describe('countParameters', () => {
  it('counts every weight of a real model, and finds its largest', () => {
    const bytes = readFileSync(fromRoot('models', 'tiny-mlp', 'model.onnx'))
    expect(countParameters(bytes, false, 'model.onnx')).toEqual({
      parameters: 4 * 16 + 16 + 16 * 3 + 3,
      largestTensorParameters: 4 * 16,
    })
  })

  it('reads shapes that are packed, and takes a tensor without a shape for one number', () => {
    const packed = encodeBytes(1, Uint8Array.of(3, 0x80, 0x01))
    expect(countParameters(graphOf([tensor(uint8, packed), tensor(dataType.float32)]), false, 'g.onnx')).toEqual({
      parameters: 3 * 128 + 1,
      largestTensorParameters: 3 * 128,
    })
  })

  it('leaves out shapes and indices, and counts weights of 4 bits by their shape', () => {
    const graph = graphOf([tensor(int64, dim(1000)), tensor(int4, dim(6), dim(7))])
    expect(countParameters(graph, false, 'g.onnx')).toEqual({ parameters: 42, largestTensorParameters: 42 })
  })

  it('counts a byte as two where 4-bit weights are packed, and nothing else', () => {
    const graph = graphOf([tensor(uint8, dim(10), dim(16)), weight('scales', [10], Array<number>(10).fill(1))])
    expect(countParameters(graph, true, 'g.onnx')).toEqual({ parameters: 330, largestTensorParameters: 320 })
  })

  it('counts weights that are constants among the nodes', () => {
    const attribute = encodeBytes(5, Buffer.concat([encodeBytes(5, tensor(dataType.float32, dim(5)))]))
    const constant = Buffer.concat([node('Constant', [], ['c']), attribute])
    expect(countParameters(graphOf([], [constant]), false, 'g.onnx')).toMatchObject({ parameters: 5 })
  })

  it('is zero for a graph without weights', () => {
    const inputs = [value('x', dataType.float32, [1])]
    const graph = model({ name: 'g', nodes: [node('Relu', ['x'], ['y'])], inputs, outputs: [] })
    expect(countParameters(graph, false, 'g.onnx')).toEqual({ parameters: 0, largestTensorParameters: 0 })
  })

  it('refuses what is no model, and names the file', () => {
    expect(() => countParameters(Buffer.alloc(0), false, 'x.onnx')).toThrow('x.onnx is not an ONNX model')
  })
})
