/** Owns the worker's one GPUDevice: made when first needed, replaced after a loss, destroyed at the end. */
import { EdgewardError } from '../errors/index.js'

/** A run on a lost device may end before the loss itself is told; measured: within 12 ms. */
const lossDelayMs = 100

/** The flags of `GPUBufferUsage` and `GPUMapMode`, which TypeScript does not know. */
const mapForReading = 0x1

/** A device, and whether it is still there. */
export class OwnGpu {
  readonly device: GPUDevice
  #isLost = false

  constructor(device: GPUDevice) {
    this.device = device
    void device.lost.then(() => (this.#isLost = true))
  }

  /** Costs nothing; a loss of this moment may not be told yet. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** @throws EdgewardError GPU_LOST */
  check(): void {
    if (this.#isLost) throw new EdgewardError('GPU_LOST', 'The GPU was lost: what was computed on it is not believed.')
  }

  /** Finds a loss that is not told yet, too. @throws EdgewardError GPU_LOST */
  async checkClosely(): Promise<void> {
    if (await this.isFoundLost()) this.check()
  }

  /**
   * Whether a device on which something went wrong is lost. One that still maps a buffer, which takes a round trip to the GPU's
   * process, is not, and was not before.
   */
  async isFoundLost(): Promise<boolean> {
    const told = this.device.lost.then(() => true)
    const notTold = new Promise<boolean>((resolve) => setTimeout(resolve, lossDelayMs, false))
    // What cannot map is on its way to be lost, or was never a device that can.
    const answers = this.#maps().then(
      () => false,
      () => notTold,
    )
    return Promise.race([told, answers, notTold])
  }

  async #maps(): Promise<void> {
    const buffer = this.device.createBuffer({ size: 4, usage: mapForReading })
    try {
      await buffer.mapAsync(mapForReading)
    } finally {
      buffer.destroy()
    }
  }
}

export class GpuOwner {
  readonly #onLost: () => void
  #gpu: Promise<OwnGpu> | undefined
  #losses = 0

  /** @param onLost - called when the device is lost for any reason but {@link destroy} */
  constructor(onLost: () => void) {
    this.#onLost = onLost
  }

  /** How many devices were lost so far. */
  get losses(): number {
    return this.#losses
  }

  /** The live device. @throws EdgewardError BACKEND_UNAVAILABLE when there is no adapter */
  live(): Promise<OwnGpu> {
    this.#gpu ??= this.#request()
    return this.#gpu
  }

  /** How many devices are live: 0 or 1. */
  get count(): number {
    return this.#gpu === undefined ? 0 : 1
  }

  async destroy(): Promise<void> {
    const gpu = this.#gpu
    this.#gpu = undefined
    await gpu?.then(({ device }) => device.destroy()).catch(() => undefined) // A device that never came needs no destruction.
  }

  async #request(): Promise<OwnGpu> {
    try {
      const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' })
      if (!adapter) throw new EdgewardError('BACKEND_UNAVAILABLE', 'There is no WebGPU adapter in this worker.')
      const device = await adapter.requestDevice(deviceNeeds(adapter))
      const gpu = new OwnGpu(device)
      void device.lost.then(() => this.#lost(gpu))
      return gpu
    } catch (error) {
      this.#gpu = undefined
      throw error instanceof EdgewardError
        ? error
        : new EdgewardError('BACKEND_UNAVAILABLE', 'The WebGPU adapter gave no device.', { cause: error })
    }
  }

  #lost(gpu: OwnGpu): void {
    const current = this.#gpu
    void current?.then((live) => {
      if (live !== gpu || this.#gpu !== current) return
      this.#gpu = undefined
      this.#losses += 1
      this.#onLost()
    })
  }
}

/** Everything the adapter can do that ONNX Runtime makes use of. */
function deviceNeeds({ features, limits }: GPUAdapter): GPUDeviceDescriptor {
  const wanted: GPUFeatureName[] = ['shader-f16', 'subgroups']
  return {
    requiredFeatures: wanted.filter((feature) => features.has(feature)),
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
      maxComputeWorkgroupSizeZ: limits.maxComputeWorkgroupSizeZ,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    },
  }
}
