/** Starts the worker's script, wherever it lies. */

/**
 * @param url - where `worker.js` is, when it is not beside the SDK's own script
 * @param ownScript - where the SDK's own script is; a bundler may have put a `file:` address of the build machine here
 */
export function spawnWorker(url: string | URL | undefined, ownScript: string = import.meta.url): Worker {
  if (url !== undefined) return spawnFrom(new URL(url, document.baseURI))
  if (!isOfAnotherOrigin(new URL(ownScript))) {
    // Bundlers find the worker by this very expression; the path is the one in dist/, where this code ends.
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
  }
  // Not written like the line above, lest a bundler emit a second copy.
  const beside = 'worker.js'
  return spawnFrom(new URL(beside, ownScript))
}

/** A worker's script must be of the page's origin: one of another origin is imported by a script that is. */
function spawnFrom(url: URL): Worker {
  if (!isOfAnotherOrigin(url)) return new Worker(url, { type: 'module' })
  const bridge = URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)}`], { type: 'text/javascript' }))
  const worker = new Worker(bridge, { type: 'module' })
  // The worker is up, or will never be, long before the browser needs the address no more.
  setTimeout(() => URL.revokeObjectURL(bridge), 60_000)
  return worker
}

function isOfAnotherOrigin({ protocol, origin }: URL): boolean {
  return /^https?:$/.test(protocol) && origin !== location.origin
}
