/** Measures what a GPU does with a matrix multiplication as kernels of runtimes do it, within a time of its own. */
import { abortable } from '../shared/index.js'

/** Side of a tile that a workgroup keeps in its own memory. */
const tile = 16

const shader = `
override side: u32;
@group(0) @binding(0) var<storage, read> left: array<f32>;
@group(0) @binding(1) var<storage, read> right: array<f32>;
@group(0) @binding(2) var<storage, read_write> product: array<f32>;
var<workgroup> leftTile: array<array<f32, ${tile}>, ${tile}>;
var<workgroup> rightTile: array<array<f32, ${tile}>, ${tile}>;

@compute @workgroup_size(${tile}, ${tile})
fn multiply(@builtin(global_invocation_id) at: vec3u, @builtin(local_invocation_id) local: vec3u) {
  var sum = 0.0;
  for (var begin = 0u; begin < side; begin += ${tile}u) {
    leftTile[local.y][local.x] = left[at.y * side + begin + local.x];
    rightTile[local.y][local.x] = right[(begin + local.y) * side + at.x];
    workgroupBarrier();
    for (var k = 0u; k < ${tile}u; k += 1u) {
      sum += leftTile[local.y][k] * rightTile[k][local.x];
    }
    workgroupBarrier();
  }
  product[at.y * side + at.x] = sum;
}`

/** Flags of `GPUBufferUsage` and of `GPUMapMode` (https://www.w3.org/TR/webgpu/#buffer-usage), which TypeScript does not know. */
const usage = Object.freeze({ mapForReading: 0x1, copySource: 0x4, copyTarget: 0x8, storage: 0x80 })
const mapForReading = 0x1

/** 268 million operations: less than a millisecond on a desktop's GPU, and some ten on a phone's. */
const side = 512
const value = 0.5
const operations = 2 * side ** 3

/** From the request for an adapter on. A GPU that is not measured within it counts as not measured. */
const defaultBudgetMs = 100
/** How long a round takes whose time says enough: what it costs to start one is about a millisecond. */
const enoughMs = 10

/**
 * Floating-point operations a second; undefined where there is no GPU, it multiplies wrongly, or the budget was not enough. The
 * device that this takes is destroyed in any case.
 *
 * @throws on abort, `signal.reason`
 */
export async function measureWebGpu(signal: AbortSignal, budgetMs = defaultBudgetMs): Promise<number | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(budgetMs)])
  try {
    return await abortable(measure(limit, budgetMs), limit)
  } catch {
    signal.throwIfAborted()
    return undefined // Late, or a driver that refuses something: sessions will say what is wrong, if one is made.
  }
}

async function measure(limit: AbortSignal, budgetMs: number): Promise<number | undefined> {
  const startedAt = performance.now()
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' })
  limit.throwIfAborted()
  const device = await adapter?.requestDevice()
  if (!device) return undefined
  try {
    limit.throwIfAborted()
    const factor = new Float32Array(side * side).fill(value)
    const multiplication = await createGpuMultiplication(device, side, factor, factor)
    const flops = await measureRounds(multiplication, limit, () => performance.now() - startedAt > budgetMs / 2)
    // Work that failed, or was lost with the device, is soon done.
    const [first] = await multiplication.read(1)
    return first === side * value * value && Number.isFinite(flops) ? flops : undefined
  } finally {
    device.destroy()
  }
}

/** Rounds of more and more multiplications, until one takes long enough or there is no time for another. */
async function measureRounds(
  multiplication: GpuMultiplication,
  limit: AbortSignal,
  isTimeShort: () => boolean,
): Promise<number> {
  for (let times = 1; ; times *= 4) {
    limit.throwIfAborted()
    const startedAt = performance.now()
    await multiplication.run(times)
    const ms = performance.now() - startedAt
    if (ms >= enoughMs || isTimeShort()) return (times * operations) / (ms / 1000)
  }
}

export interface GpuMultiplication {
  /** Multiplies so many times; resolves when the GPU is done. */
  run(times: number): Promise<void>
  /** The first numbers of the product. */
  read(count: number): Promise<Float32Array>
}

/** @param side - of the square matrices; a multiple of 16 */
export async function createGpuMultiplication(
  device: GPUDevice,
  side: number,
  left: Float32Array<ArrayBuffer>,
  right: Float32Array<ArrayBuffer>,
): Promise<GpuMultiplication> {
  const size = 4 * side * side
  const createFactor = (numbers: Float32Array<ArrayBuffer>) => {
    const buffer = device.createBuffer({ size, usage: usage.storage | usage.copyTarget })
    device.queue.writeBuffer(buffer, 0, numbers)
    return buffer
  }
  const product = device.createBuffer({ size, usage: usage.storage | usage.copySource })
  const module = device.createShaderModule({ code: shader })
  const compute = { module, constants: { side } }
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute })
  const entries = [createFactor(left), createFactor(right), product].map((buffer, binding) => ({
    binding,
    resource: { buffer },
  }))
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries })

  return {
    async run(times) {
      const encoder = device.createCommandEncoder()
      const pass = encoder.beginComputePass()
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      for (let time = 0; time < times; time += 1) pass.dispatchWorkgroups(side / tile, side / tile)
      pass.end()
      device.queue.submit([encoder.finish()])
      await device.queue.onSubmittedWorkDone()
    },

    async read(count) {
      const copy = device.createBuffer({ size: 4 * count, usage: usage.mapForReading | usage.copyTarget })
      const encoder = device.createCommandEncoder()
      encoder.copyBufferToBuffer(product, 0, copy, 0, 4 * count)
      device.queue.submit([encoder.finish()])
      await copy.mapAsync(mapForReading)
      return new Float32Array(copy.getMappedRange().slice(0))
    },
  }
}
