/** The benchmark of WASM: its module is what its source says and multiplies rightly, and it never holds the worker up. */
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import wabt from 'wabt'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import {
  benchmarkModule,
  createMultiplication,
  measureWasm,
  wasmSide as side,
  type BenchmarkClock,
} from '../../../packages/sdk/src/worker/benchmark-wasm.js'

const source = new URL('../../../packages/sdk/src/worker/benchmark.wat', import.meta.url)

/** A clock on which each look takes so many milliseconds; `slices` has how long the worker was held up each time. */
function steppingClock(stepMs: number, onPause = () => {}): BenchmarkClock & { readonly slices: readonly number[] } {
  let [time, resumedAt] = [0, 0]
  const slices: number[] = []
  return {
    slices,
    now: () => (time += stepMs),
    pause: () => {
      slices.push(time - resumedAt)
      resumedAt = time
      onPause()
      return Promise.resolve()
    },
  }
}

describe('the module', () => {
  it('is what benchmark.wat compiles to', async () => {
    const parsed = (await wabt()).parseWat('benchmark.wat', await readFile(source, 'utf8'), { simd: true })
    const assembled = Buffer.from(parsed.toBinary({}).buffer).toString('base64')
    expect(Buffer.from(benchmarkModule()).toString('base64')).toBe(assembled)
  })

  it('multiplies as JavaScript does', async () => {
    const { memory, multiply } = await createMultiplication()
    const numbers = new Float32Array(memory.buffer)
    const [left, right, product] = [0, 1, 2].map((index) =>
      numbers.subarray(index * side ** 2, (index + 1) * side ** 2),
    )
    for (let index = 0; index < 2 * side ** 2; index += 1) numbers[index] = Math.sin(index)
    multiply()
    const expected = Float32Array.from({ length: side ** 2 }, (_, index) => {
      const [row, column] = [Math.floor(index / side), index % side]
      let sum = 0
      for (let k = 0; k < side; k += 1) {
        sum = Math.fround(sum + Math.fround((left?.[row * side + k] ?? NaN) * (right?.[k * side + column] ?? NaN)))
      }
      return sum
    })
    expect(product).toEqual(expected)
  })
})

describe('measureWasm', () => {
  it('counts operations by the time they took: 2 · 64³ a millisecond here', async () => {
    expect(await measureWasm(neverAborted(), steppingClock(1))).toBeCloseTo((2 * side ** 3) / 0.001)
  })

  it('lets others have their turn every ten milliseconds, and ends after 50', async () => {
    const clock = steppingClock(1)
    await measureWasm(neverAborted(), clock)
    expect(Math.max(...clock.slices)).toBeLessThanOrEqual(10)
    expect(clock.slices.reduce((sum, ms) => sum + ms)).toBeLessThanOrEqual(50)
    expect(clock.slices.length).toBeGreaterThan(1)
  })

  it('stops at the next slice when its signal aborts', async () => {
    const controller = new AbortController()
    const clock = steppingClock(1, () => controller.abort(new Error('the page is gone')))
    await expect(measureWasm(controller.signal, clock)).rejects.toThrow('the page is gone')
    expect(clock.slices).toHaveLength(1)
  })
})
