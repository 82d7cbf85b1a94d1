/** Runs in the worker before the SDK's own script, and changes what that finds: each fault is told here, by its name. */
import { faults } from './faults.js'

const devices = new Set()

/** What happens at once when it is told to a worker that lives. */
const deeds = {
  'lose-gpu': () => devices.forEach((device) => device.destroy()),
  'end-worker': () => close(),
}

const channel = new BroadcastChannel('chaos')
channel.onmessage = ({ data }) => {
  if (!data.faults) return
  channel.postMessage('heard')
  for (const [name, times] of Object.entries(data.faults)) deeds[name] ? deeds[name]() : faults.set(name, times)
}

/** Whether a fault is to happen now; it then has happened once more. */
function happens(name) {
  const left = faults.get(name) ?? 0
  faults.set(name, left - 1)
  return left > 0
}

/** What ONNX Runtime's sessions do wrong: read by `faulty-runtime.js`. */
self.sessionFaults = {
  async create(make, model) {
    // Not the one of a number that starts the runtime.
    if (model.byteLength > 200 && happens('create-hangs')) await new Promise(() => undefined)
    return make()
  },
  async run(run) {
    if (happens('run-hangs')) await new Promise(() => undefined)
    // What Emscripten throws for a C++ exception: its address.
    if (happens('run-throws-number')) throw 1991937888
    if (happens('run-throws-bad-alloc')) throw new Error('std::bad_alloc')
    const results = await run()
    const spoil = happens('wrong-numbers')
      ? (value) => value * 1.5 + 1
      : happens('not-a-number')
        ? () => NaN
        : undefined
    if (spoil)
      for (const { data } of Object.values(results)) data.forEach((value, index) => (data[index] = spoil(value)))
    return results
  },
}

/** Puts a function around a method. */
function around(prototype, name, replacement) {
  const original = prototype?.[name]
  if (original === undefined) return
  prototype[name] = function (...given) {
    const real = (...others) => original.apply(this, others.length > 0 ? others : given)
    return replacement.call(this, real, ...given)
  }
}

around(self.GPU?.prototype, 'requestAdapter', (real) => (happens('no-adapter') ? Promise.resolve(null) : real()))
around(self.GPUAdapter?.prototype, 'requestDevice', async (real) => {
  const device = await real()
  devices.add(device)
  return device
})

/** A driver that goes on with zeros while its device is being lost. */
const zeroed = new WeakSet()
around(self.GPUBuffer?.prototype, 'mapAsync', async function (real) {
  if (!happens('zeros-while-lost')) return real()
  await real()
  zeroed.add(this)
  devices.forEach((device) => device.destroy())
})
around(self.GPUBuffer?.prototype, 'getMappedRange', function (real, offset, size) {
  return zeroed.has(this) ? new ArrayBuffer(size ?? this.size) : real()
})

around(IDBFactory.prototype, 'open', (real) => {
  if (happens('database-forbidden')) throw new DOMException('The user denied permission.', 'SecurityError')
  if (!happens('database-hangs')) return real()
  const silent = real('chaos')
  silent.addEventListener = () => undefined
  return silent
})
around(IDBDatabase.prototype, 'transaction', (real) => {
  if (happens('connection-lost')) throw new DOMException('The database connection is closing.', 'InvalidStateError')
  return real()
})
around(IDBObjectStore.prototype, 'put', (real, value) => {
  const bytes = value instanceof Blob ? value.size : (value?.byteLength ?? 0)
  if (bytes > 0 && happens('put-refused')) throw new DOMException('The value is too large.', 'DataError')
  // As Firefox refuses more than 267,386,880 bytes, and here less.
  if (bytes > 32 * 1024 * 1024) throw new DOMException('The value is too large.', 'DataError')
  return real()
})

/** Memory that is asked for in one piece of more than so many bytes is refused. */
for (const [name, most] of Object.entries({
  'no-buffers-above-16-mib': 2 ** 24,
  'no-buffers-above-6-mib': 6 * 2 ** 20,
})) {
  if (faults.has(name)) refuseBuffers(name, most)
}

function refuseBuffers(name, most) {
  for (const type of ['ArrayBuffer', 'Uint8Array']) {
    self[type] = new Proxy(self[type], {
      construct(target, given, newTarget) {
        const bytes = typeof given[0] === 'number' ? given[0] * (target.BYTES_PER_ELEMENT ?? 1) : 0
        if (bytes > most && happens(name)) throw new RangeError('Array buffer allocation failed')
        return Reflect.construct(target, given, newTarget)
      },
    })
  }
}

/** Safari: shared memory cannot be sent to the threads, although the page is isolated. */
around(Worker.prototype, 'postMessage', (real, message) => {
  const isShared = Object.values(message ?? {}).some((value) => value instanceof WebAssembly.Memory)
  if (isShared && happens('no-shared-memory')) {
    throw new DOMException('The object can not be cloned.', 'DataCloneError')
  }
  return real()
})
