/** Finds the buffers of an answer that can be moved instead of copied. */

/**
 * The array buffers that the typed arrays of `value` cover wholly, wherever they lie in plain objects and arrays.
 * A view on a part of a buffer is left to be copied: moving it would take the rest along.
 */
export function transferablesOf(value: unknown): Transferable[] {
  const found = new Set<ArrayBuffer>()
  collect(value, found)
  return [...found]
}

function collect(value: unknown, found: Set<ArrayBuffer>): void {
  if (typeof value !== 'object' || value === null) return
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteLength } = value
    if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) found.add(buffer)
  } else if (Array.isArray(value)) {
    // A string tensor's data has nothing to move, and may be long.
    if (typeof value[0] === 'object') for (const item of value) collect(item, found)
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) collect(item, found)
  }
}
