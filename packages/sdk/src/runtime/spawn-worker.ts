/** Starts the worker's script, wherever it lies. */

/**
 * @param url - where `worker.js` is, when it is not beside the SDK's own script
 * @returns a module worker called `name`
 */
export function spawnWorker(name: string, url: string | URL | undefined): Worker {
  if (url !== undefined) return spawnFrom(new URL(url, document.baseURI), name)
  const ownScript = import.meta.url
  // Bundlers find the worker by this very expression; the path is the one in dist/, where this code ends.
  if (isSameOrigin(new URL(ownScript))) return new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name })
  return spawnFrom(new URL(['worker', 'js'].join('.'), ownScript), name)
}

/** A worker's script must be of the page's origin: one of another origin is imported by a script that is. */
function spawnFrom(url: URL, name: string): Worker {
  if (isSameOrigin(url)) return new Worker(url, { type: 'module', name })
  const bridge = URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)}`], { type: 'text/javascript' }))
  try {
    return new Worker(bridge, { type: 'module', name })
  } finally {
    // The fetch of the script has begun by then, and holds the blob.
    setTimeout(() => URL.revokeObjectURL(bridge), 60_000)
  }
}

function isSameOrigin(url: URL): boolean {
  return url.origin === location.origin
}
