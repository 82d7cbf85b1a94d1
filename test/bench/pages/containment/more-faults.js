/** Faults that only this comparison needs: they happen to what either library uses. Imported after `worker-faults.js`. */
import { faults } from '/chaos/faults.js'

const isOn = (name) => (faults.get(name) ?? 0) > 0

/** A driver that computes wrongly: what is read from the GPU is not what it should be. */
const mapped = self.GPUBuffer?.prototype.getMappedRange
if (mapped) {
  GPUBuffer.prototype.getMappedRange = function (...given) {
    const range = mapped.apply(this, given)
    const isRead = (this.usage & GPUBufferUsage.MAP_READ) !== 0
    if (isRead && isOn('gpu-wrong')) {
      const values = new Float32Array(range)
      values.forEach((value, index) => (values[index] = value * 1.5 + 1))
    }
    return range
  }
}

/** The store that cannot be opened: IndexedDB, as `worker-faults.js` has it, and the Cache API. */
const openCache = CacheStorage.prototype.open
CacheStorage.prototype.open = function (...given) {
  if (isOn('database-forbidden')) throw new DOMException('The user denied permission.', 'SecurityError')
  if (isOn('database-hangs')) return new Promise(() => undefined)
  return openCache.apply(this, given)
}

/** Tells when a session is about to be made. */
const channel = new BroadcastChannel('chaos')
const { create } = self.sessionFaults
self.sessionFaults.create = (make, model) => {
  // Not the one of a number that starts the runtime.
  if (model.byteLength > 200) channel.postMessage('making')
  return create(make, model)
}
