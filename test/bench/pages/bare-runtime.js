/** The page's side of the peer: the least code that a careful developer would write around a worker. */

/** Starts a worker with bare onnxruntime-web and loads one file, with those of its weights, into a session. */
export async function startBare(url, threads, externalData = []) {
  const worker = new Worker('/bare-worker.js', { type: 'module' })
  const pending = new Map()
  let nextId = 0
  worker.onmessage = ({ data: { id, result } }) => {
    pending.get(id)(result)
    pending.delete(id)
  }
  const call = (method, argument) =>
    new Promise((resolve) => {
      const id = nextId++
      pending.set(id, resolve)
      worker.postMessage({ id, method, argument })
    })
  await call('load', { url, threads, externalData })
  return { run: (inputs) => call('run', inputs), end: () => worker.terminate() }
}
