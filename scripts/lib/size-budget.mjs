/** Which built files count for which size budget: what is reachable from an entry, without ONNX Runtime itself. */
import { readFileSync } from 'node:fs'
import path from 'node:path'

const staticImport = /(?:\bfrom|\bimport)\s*["'](\.[^"']+)["']/g
const dynamicImport = /\bimport\(\s*["'`](\.[^"'`]+)["'`]\s*\)/g

/**
 * The entry and the files that it imports, from the same build.
 *
 * @param {string} entry
 * @param {{ readonly lazy: boolean }} options `lazy`: count what is imported on demand too
 * @returns {string[]}
 */
export function filesOfEntry(entry, { lazy }) {
  const patterns = lazy ? [staticImport, dynamicImport] : [staticImport]
  /** @type {Set<string>} */
  const found = new Set()
  /** @param {string} file */
  const visit = (file) => {
    if (found.has(file) || isOrt(file)) return
    found.add(file)
    const code = readFileSync(file, 'utf8')
    for (const pattern of patterns) {
      for (const [, specifier = ''] of code.matchAll(pattern)) visit(path.join(path.dirname(file), specifier))
    }
  }
  visit(entry)
  return [...found].sort()
}

/** @param {string} file */
function isOrt(file) {
  return /[\\/]ort[\\/]|[\\/]ort[.-][^\\/]*$/.test(file)
}
