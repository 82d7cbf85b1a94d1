/**
 * Loaded into the endpoint's process and its threads (`node --import`): the session thread of `tiny-mlp` fails as the
 * first value of its input says. The narrowest seam there is: a real thread, and real messages.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads'

if (!isMainThread && workerData?.files?.[0]?.filePath?.includes('tiny-mlp')) {
  parentPort.on('message', ({ kind, inputs }) => {
    if (kind !== 'run') return
    const [what] = inputs.x.data
    if (what === -1001) throw new Error('injected: the thread crashes')
    if (what === -1002) process.exit(3)
    if (what === -1003) exhaustMemory()
    if (what === -1004) for (;;);
  })
}

function exhaustMemory() {
  const kept = []
  for (;;) kept.push(new Array(100_000).fill(kept.length + 0.5))
}
