/** Models that no buffer holds as a whole: loaded in chunks, from the network and from the cache, and run on WASM. */
import type { TensorMap } from 'edgeward'
import { expect, inject, test } from 'vitest'
import { testClient } from './support/clients.js'
import { randomBytes, sha256 } from './support/file-server-client.js'
import { serveGraph, type ServedGraph } from './support/served-graph.js'

/** The model's `y`, from a client of its own, on WASM. */
async function answer({ modelsUrl, id }: ServedGraph, input: TensorMap): Promise<readonly number[]> {
  const edge = testClient({ models: modelsUrl, backends: ['wasm'] })
  const { output, placement } = await edge.run(id, input)
  await edge.dispose()
  expect(placement).toMatchObject({ engine: 'device', backend: 'wasm' })
  return Array.from(output['y']?.data as Float32Array)
}

/** What the square models compute for one row: twice a product with [side, side] weights, the second transposed or not. */
function squareAnswer(x: Float32Array, isTransposed: boolean): readonly number[] {
  const weightAt = (row: number, column: number) => (((row * x.length + column) % 13) - 6) / 100
  const product = (vector: readonly number[], at: (row: number, column: number) => number) =>
    vector.map((_, column) => vector.reduce((sum, number, row) => sum + number * at(row, column), 0))
  const second = isTransposed ? (row: number, column: number) => weightAt(column, row) : weightAt
  return product(product([...x], weightAt), second)
}

test.each(['layers', 'transposed'] as const)(
  'a one-file model of many chunks (%s) answers rightly, from the network and from the cache',
  async (name) => {
    const served = await serveGraph(inject('madeModels')[name], 65_536)
    const spec = { dtype: 'float32', shape: ['batch', 256] } as const
    await served.publish({ inputs: [{ name: 'x', ...spec }], outputs: [{ name: 'y', ...spec }] })
    const x = Float32Array.from({ length: 256 }, (_, index) => (index % 7) / 7)
    const expected = squareAnswer(x, name === 'transposed')
    const first = await answer(served, { x: { dtype: 'float32', shape: [1, 256], data: x } })
    expect(first).toHaveLength(256)
    expect(Math.max(...first.map((number, index) => Math.abs(number - (expected[index] ?? NaN))))).toBeLessThan(1e-3)
    expect(await answer(served, { x: { dtype: 'float32', shape: [1, 256], data: x } })).toEqual(first)
    // A weight that ONNX Runtime reads again comes from the cache, not once more from the network.
    expect(await served.graph.requests()).toHaveLength(served.graph.file.chunks.length)
  },
)

test('a model with 2.25 GiB of external data loads in chunks, answers, and is not fetched again', async () => {
  const [count, rows, width] = [9, 65_536, 1_024] // As test/browser/support/made-models.ts makes the tables.
  const chunkBytes = 4 * 1024 * 1024
  // Three chunks that come again and again: not a part of a table's size, so that no two tables begin alike.
  const numbers = Float32Array.from(randomBytes((3 * chunkBytes) / 4), (byte) => byte)
  const pattern = new Uint8Array(numbers.buffer)
  const repeats = (count * rows * width) / numbers.length
  const digests = await Promise.all(
    [0, 1, 2].map((index) => sha256(pattern.subarray(index * chunkBytes, (index + 1) * chunkBytes))),
  )
  const served = await serveGraph(inject('madeModels').tables, chunkBytes)
  const data = `${served.folder}model.onnx_data`
  await fetch(`${data}?repeats=${repeats}`, { method: 'PUT', body: pattern })
  await served.publish(
    {
      inputs: [{ name: 'rows', dtype: 'int64', shape: ['n'] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: ['n', width] }],
    },
    [
      {
        path: 'model.onnx_data',
        bytes: pattern.length * repeats,
        // Only the name of the download's lock: chunks are verified by their own digests.
        sha256: await sha256(new TextEncoder().encode(served.id)),
        chunks: Array.from({ length: repeats }, () => digests).flat(),
      },
    ],
  )
  const requests = async () => {
    const log = await fetch(data.replace('/files/', '/log/'))
    return ((await log.json()) as unknown[]).length
  }

  const wanted = [0, 1, rows - 1, 40_000]
  const expected = wanted.flatMap((row) =>
    Array.from({ length: width }, (_, column) => {
      const places = Array.from({ length: count }, (_, table) => (table * rows + row) * width + column)
      return places.reduce((sum, place) => sum + (numbers[place % numbers.length] ?? NaN), 0)
    }),
  )
  const input = { rows: { dtype: 'int64' as const, shape: [wanted.length], data: BigInt64Array.from(wanted, BigInt) } }
  expect(await answer(served, input)).toEqual(expected)
  expect(await requests()).toBe(3 * repeats)
  expect(await answer(served, input)).toEqual(expected)
  expect(await requests()).toBe(3 * repeats)
}, 300_000)
