/** Finds the connected blobs of a probability map. */

/** A blob: for each of its rows from `top` down, its first pixel's column and the column after its last one. */
export interface Component {
  readonly top: number
  readonly left: readonly number[]
  readonly right: readonly number[]
}

/** Blobs of pixels above `threshold` that touch, also at corners, in raster order of their first pixels. */
export function findComponents(map: Float32Array, width: number, height: number, threshold: number): Component[] {
  const open = new Uint8Array(map.length)
  map.forEach((value, index) => (open[index] = value > threshold ? 1 : 0))
  const components: Component[] = []
  for (let seed = open.indexOf(1); seed >= 0; seed = open.indexOf(1, seed)) {
    components.push(takeComponent(open, width, height, seed))
  }
  return components
}

/** Follows one blob from its first pixel and closes its pixels. */
function takeComponent(open: Uint8Array, width: number, height: number, seed: number): Component {
  const top = Math.floor(seed / width)
  const left: number[] = []
  const right: number[] = []
  const stack = [seed]
  open[seed] = 0
  for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
    const x = index % width
    const y = (index - x) / width
    left[y - top] = Math.min(left[y - top] ?? x, x)
    right[y - top] = Math.max(right[y - top] ?? 0, x + 1)
    for (let nextY = Math.max(0, y - 1); nextY <= Math.min(height - 1, y + 1); nextY += 1) {
      for (let nextX = Math.max(0, x - 1); nextX <= Math.min(width - 1, x + 1); nextX += 1) {
        const next = nextY * width + nextX
        if (open[next] !== 1) continue
        open[next] = 0
        stack.push(next)
      }
    }
  }
  return { top, left, right }
}
