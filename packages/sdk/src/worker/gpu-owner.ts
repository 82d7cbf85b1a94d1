/** Owns the worker's one GPUDevice: made when first needed, replaced after a loss, destroyed at the end. */
import { EdgewardError } from '../errors/index.js'

/** A run on a lost device may reject before the loss itself is told; measured: within 12 ms. */
const lossDelayMs = 100

/** Whether a device whose run has just failed is lost. */
export function isLost(device: GPUDevice): Promise<boolean> {
  const notTold = new Promise<boolean>((resolve) => setTimeout(resolve, lossDelayMs, false))
  return Promise.race([device.lost.then(() => true), notTold])
}

export class GpuOwner {
  readonly #onLost: () => void
  #device: Promise<GPUDevice> | undefined
  #losses = 0

  /** @param onLost - called when the device is lost for any reason but {@link destroy} */
  constructor(onLost: () => void) {
    this.#onLost = onLost
  }

  /** How many devices were lost so far: what was made before the last loss is worth nothing. */
  get losses(): number {
    return this.#losses
  }

  /** The live device. @throws EdgewardError BACKEND_UNAVAILABLE when there is no adapter */
  device(): Promise<GPUDevice> {
    this.#device ??= this.#request()
    return this.#device
  }

  /** How many devices are live: 0 or 1. */
  get count(): number {
    return this.#device === undefined ? 0 : 1
  }

  async destroy(): Promise<void> {
    const device = this.#device
    this.#device = undefined
    await device?.then((live) => live.destroy()).catch(() => undefined) // A device that never came needs no destruction.
  }

  async #request(): Promise<GPUDevice> {
    try {
      const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' })
      if (!adapter) throw new EdgewardError('BACKEND_UNAVAILABLE', 'There is no WebGPU adapter in this worker.')
      const device = await adapter.requestDevice(deviceNeeds(adapter))
      void device.lost.then(() => this.#lost(device))
      return device
    } catch (error) {
      this.#device = undefined
      throw error instanceof EdgewardError
        ? error
        : new EdgewardError('BACKEND_UNAVAILABLE', 'The WebGPU adapter gave no device.', { cause: error })
    }
  }

  #lost(device: GPUDevice): void {
    const current = this.#device
    void current?.then((live) => {
      if (live !== device || this.#device !== current) return
      this.#device = undefined
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
