/** Runs in the worker before the SDK's own script, and lets the page lose its GPU and fill its disk. */
import { openChannel, type ToPage, type ToWorker } from './channel.js'

const channel = openChannel(location.hash.slice(1))
const devices = new Set<GPUDevice>()
let isDiskFull = false

const tell = (message: ToPage) => channel.postMessage(message)

channel.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.is === 'disk') isDiskFull = data.isFull
  else loseGpu()
}
tell({ is: 'started' })

function loseGpu(): void {
  if (devices.size > 0) tell({ is: 'gpus-lost', devices: devices.size })
  devices.forEach((device) => device.destroy())
  devices.clear()
}

/** Absent where the browser has no WebGPU. */
const adapters = (globalThis as { readonly GPUAdapter?: { readonly prototype: GPUAdapter } }).GPUAdapter?.prototype
if (adapters !== undefined) {
  const requestDevice = adapters.requestDevice
  adapters.requestDevice = async function (...given) {
    const device = await requestDevice.apply(this, given)
    devices.add(device)
    void device.lost.then(() => devices.delete(device))
    return device
  }
}

const put = IDBObjectStore.prototype.put
IDBObjectStore.prototype.put = function (...given) {
  if (isDiskFull) throw new DOMException('The disk is full.', 'QuotaExceededError')
  return put.apply(this, given)
}
