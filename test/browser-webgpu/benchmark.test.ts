/** The benchmark's shader multiplies rightly, and leaves no device behind. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { neverAborted } from '../../packages/sdk/src/shared/index.js'
import { createGpuMultiplication, measureWebGpu } from '../../packages/sdk/src/worker/benchmark-webgpu.js'

/** Devices that were made, less those that were destroyed, since the test began. */
function countDevices(): () => number {
  const made = vi.spyOn(GPUAdapter.prototype, 'requestDevice')
  const destroyed = vi.spyOn(GPUDevice.prototype, 'destroy')
  onTestFinished(() => [made, destroyed].forEach((spy) => spy.mockRestore()))
  return () => made.mock.calls.length - destroyed.mock.calls.length
}

test('the product of two matrices is right', async () => {
  const adapter = await navigator.gpu.requestAdapter()
  const device = await adapter?.requestDevice()
  if (!device) throw new Error('this project runs with a software adapter, which is not there')
  onTestFinished(() => device.destroy())
  const side = 64
  const numbers = (seed: number) => Float32Array.from({ length: side ** 2 }, (_, index) => Math.sin(seed + index))
  const [left, right] = [numbers(1), numbers(2)]
  const multiplication = await createGpuMultiplication(device, side, left, right)
  await multiplication.run(1)
  const product = await multiplication.read(side ** 2)
  const differences = Array.from(product, (value, index) => {
    const [row, column] = [Math.floor(index / side), index % side]
    let sum = 0
    for (let k = 0; k < side; k += 1) sum += (left[row * side + k] ?? NaN) * (right[k * side + column] ?? NaN)
    return Math.abs(value - sum)
  })
  expect(differences).toHaveLength(side ** 2)
  expect(Math.max(...differences)).toBeLessThan(1e-4)
})

test('what was measured is a plausible number, and the device is destroyed', async () => {
  const devices = countDevices()
  const flops = await measureWebGpu(neverAborted(), 30_000)
  expect(flops).toBeGreaterThan(1e6)
  expect(flops).toBeLessThan(1e16)
  expect(devices()).toBe(0)
})

test('a GPU that takes longer than its time counts as not measured, and its device is destroyed all the same', async () => {
  const devices = countDevices()
  expect(await measureWebGpu(neverAborted(), 1)).toBeUndefined()
  await expect.poll(devices).toBe(0)
})

test('stops when its signal aborts', async () => {
  const devices = countDevices()
  const controller = new AbortController()
  const measuring = measureWebGpu(controller.signal, 30_000)
  controller.abort(new Error('the page is gone'))
  await expect(measuring).rejects.toThrow('the page is gone')
  await expect.poll(devices).toBe(0)
})
