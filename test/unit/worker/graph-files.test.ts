/** Sessions from files in chunks, made by ONNX Runtime Web itself: the right answers, and no chunk is kept. */
import * as ort from 'onnxruntime-web'
import { expect, test } from 'vitest'
import { dataType, model, node, value, weight } from '../../../models/onnx-writer.mjs'
import type { Graph } from '../../../packages/sdk/src/contract/index.js'
import { splitWeights } from '../../../packages/sdk/src/formats/index.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { ChunkedFile } from '../../../packages/sdk/src/weights/chunked-file.js'
import { sessionInput, type GraphFiles, type SessionInput } from '../../../packages/sdk/src/worker/graph-files.js'
import { createGraphSession } from '../../../packages/sdk/src/worker/ort-session.js'
import { LaneQueue } from '../../../packages/sdk/src/worker/lane-queue.js'
import { RuntimeMemory } from '../../../packages/sdk/src/worker/runtime-memory.js'
import { Trust } from '../../../packages/sdk/src/worker/trust.js'

const chunkBytes = 65_536
const side = 256
const turn = { lane: 'default', model: 'model', signal: neverAborted() } as const
const port = (name: string) => value(name, dataType.float32, ['batch', side])
const square = (name: string, scale: number) =>
  weight(
    name,
    [side, side],
    Array.from({ length: side * side }, (_, index) => ((index % 13) - 6) * scale),
  )

/** Two layers with weights of 256 KiB each. */
function twoLayers(): Buffer {
  return model({
    name: 'g',
    nodes: [node('MatMul', ['x', 'a'], ['xa']), node('MatMul', ['xa', 'b'], ['y'])],
    inputs: [port('x')],
    outputs: [port('y')],
    initializers: [square('a', 0.01), square('b', 0.02)],
  })
}

/** A layer whose weight is used as it is, and transposed, which ONNX Runtime does when it makes the session. */
function transposedLayer(): Buffer {
  return model({
    name: 'g',
    nodes: [node('Transpose', ['a'], ['at']), node('MatMul', ['x', 'a'], ['xa']), node('MatMul', ['xa', 'at'], ['y'])],
    inputs: [port('x')],
    outputs: [port('y')],
    initializers: [square('a', 0.01)],
  })
}

function chunked(path: string, bytes: Uint8Array): ChunkedFile {
  const file = new ChunkedFile({ path, bytes: bytes.length }, chunkBytes)
  for (let index = 0; index * chunkBytes < bytes.length; index += 1) {
    file.put(index, Uint8Array.from(bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes)))
  }
  return file
}

const manifestFile = (path: string) => ({ path, bytes: 0, sha256: '', chunks: [] })
const oneFile: Graph = { file: manifestFile('onnx/model.onnx'), inputs: [], outputs: [] }
const twoFiles: Graph = { ...oneFile, externalData: [manifestFile('onnx/model.onnx_data')] }

/** The same model as a graph with external data. */
function parted(bytes: Uint8Array): GraphFiles {
  const graph = splitWeights(bytes, 'model.onnx_data')
  if (!graph) throw new Error('there was nothing to part')
  return { file: chunked('model.onnx', graph), externalData: [chunked('model.onnx_data', bytes)] }
}

async function answer(graph: Graph, input: SessionInput): Promise<ArrayLike<unknown>> {
  const runtime = { ort, queue: new LaneQueue(), memory: new RuntimeMemory(), trust: new Trust() }
  const session = await createGraphSession(input, { runtime, graph, backend: 'wasm', turn })
  const data = Float32Array.from({ length: 2 * side }, (_, index) => (index % 7) / 7)
  const { y } = await session.run({ x: { dtype: 'float32', shape: [2, side], data } }, ['y'], turn)
  await session.release()
  return y?.data ?? []
}

/** What the model answers when ONNX Runtime gets it as one buffer. */
function plainAnswer(bytes: Uint8Array): Promise<ArrayLike<unknown>> {
  return answer(oneFile, { model: Uint8Array.from(bytes), externalData: [], isReadAgain: false })
}

test('a one-file model answers the same from its chunks, which are gone when the session is there', async () => {
  const file = chunked('model.onnx', twoLayers())
  expect(file.heldChunks).toBe(9)
  const input = sessionInput(oneFile, { file, externalData: [] }, false)
  expect(input.model.length).toBeLessThan(1_000)
  expect(await answer(oneFile, input)).toEqual(await plainAnswer(twoLayers()))
  // The last tensor's chunk could still be looked at.
  expect(file.heldChunks).toBeLessThanOrEqual(1)
})

test('a graph with external data answers the same, and keeps no chunk', async () => {
  const files = parted(twoLayers())
  expect(await answer(twoFiles, sessionInput(twoFiles, files, false))).toEqual(await plainAnswer(twoLayers()))
  expect(files.file.heldChunks).toBe(0)
  expect(files.externalData.map(({ heldChunks }) => heldChunks <= 1)).toEqual([true])
})

test('a weight that is read again fails the session, and one that keeps all chunks comes about', async () => {
  const bytes = transposedLayer()
  const input = sessionInput(oneFile, { file: chunked('model.onnx', bytes), externalData: [] }, false)
  await expect(answer(oneFile, input)).rejects.toMatchObject({ code: 'SESSION_FAILED' })
  expect(input.isReadAgain).toBe(true)
  const keeping = sessionInput(oneFile, { file: chunked('model.onnx', bytes), externalData: [] }, true)
  expect(await answer(oneFile, keeping)).toEqual(await plainAnswer(bytes))
  expect(keeping.isReadAgain).toBe(false)
})

test('a model of one chunk goes to ONNX Runtime as it is', () => {
  const bytes = twoLayers()
  const file = new ChunkedFile({ path: 'model.onnx', bytes: bytes.length }, bytes.length)
  file.put(0, Uint8Array.from(bytes))
  const input = sessionInput(oneFile, { file, externalData: [] }, false)
  expect([input.model.length, input.externalData.length, file.heldChunks]).toEqual([bytes.length, 0, 0])
})
