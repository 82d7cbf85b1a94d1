/** How much memory a browser's page has held at most, since it began. */
import { readFileSync, readdirSync } from 'node:fs'

/**
 * The resident set's high-water mark, as Linux counts it (`VmHWM`), of the browser's largest renderer process: page, workers
 * and WebAssembly memory in one, with the browser's own code. Nothing is subtracted.
 *
 * @param {number} browserPid
 * @returns {number} bytes; NaN where there is no `/proc`
 */
export function peakRendererBytes(browserPid) {
  if (process.platform !== 'linux') return NaN
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const parents = new Map(pids.map((pid) => [Number(pid), parentOf(pid)]))
  const renderers = [...parents.keys()].filter((pid) => isBelow(pid, browserPid, parents) && isRenderer(pid))
  if (renderers.length === 0) throw new Error(`the browser (process ${browserPid}) has no renderer`)
  return Math.max(...renderers.map(peakBytes))
}

/** @param {number} pid @param {number} ancestor @param {ReadonlyMap<number, number>} parents */
function isBelow(pid, ancestor, parents) {
  for (let parent = parents.get(pid); parent !== undefined; parent = parents.get(parent)) {
    if (parent === ancestor) return true
  }
  return false
}

/** @param {string} pid */
function parentOf(pid) {
  return Number(/^PPid:\s+(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1])
}

/** @param {number} pid */
function isRenderer(pid) {
  return read(`/proc/${pid}/cmdline`).includes('--type=renderer')
}

/** @param {number} pid */
function peakBytes(pid) {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1]) * 1024
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // The process has ended meanwhile.
  }
}
