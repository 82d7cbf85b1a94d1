/** Owns the worker's one GPUDevice: made when first needed, replaced after a loss, destroyed at the end. */
import { EdgewardError } from '../errors/index.js'

export class GpuOwner {
  readonly #onLost: (reason: EdgewardError) => void
  #device: Promise<GPUDevice> | undefined

  /** @param onLost - called when the device is lost for any reason but {@link destroy} */
  constructor(onLost: (reason: EdgewardError) => void) {
    this.#onLost = onLost
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
      void device.lost.then((info) => this.#lost(device, info))
      return device
    } catch (error) {
      this.#device = undefined
      throw error instanceof EdgewardError
        ? error
        : new EdgewardError('BACKEND_UNAVAILABLE', 'The WebGPU adapter gave no device.', { cause: error })
    }
  }

  #lost(device: GPUDevice, { reason, message }: GPUDeviceLostInfo): void {
    const current = this.#device
    void current?.then((live) => {
      if (live !== device || this.#device !== current) return
      this.#device = undefined
      this.#onLost(new EdgewardError('GPU_LOST', `The GPU was lost: ${message || reason}`, { details: { reason } }))
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
