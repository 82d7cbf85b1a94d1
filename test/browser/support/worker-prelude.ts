/** Changes what the SDK's worker finds in its global scope, to inject what a browser does on a bad day. */

/** The address of a script that runs `prelude` and then the SDK's worker as it is shipped: for `workerUrl`. */
export function workerWithPrelude(prelude: string): string {
  const script = (text: string) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
  const worker = new URL('/shipped/worker.js', location.href).href
  return script(`import ${JSON.stringify(script(prelude))}; import ${JSON.stringify(worker)}`)
}
