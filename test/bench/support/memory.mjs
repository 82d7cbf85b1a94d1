/** How much memory a page's renderer process has held at most, since it began. */
import { readFile } from 'node:fs/promises'

/**
 * The resident set's high-water mark, as Linux counts it (`VmHWM`), of the browser's largest renderer: page, workers and
 * WebAssembly memory in one, with the browser's own code. Nothing is subtracted.
 *
 * @param {import('playwright').Page} page
 * @returns {Promise<number>} bytes; NaN where there is no `/proc`
 */
export async function peakRendererBytes(page) {
  const browser = page.context().browser()
  if (process.platform !== 'linux' || browser === null) return NaN
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  const renderers = processInfo.filter(({ type }) => type === 'renderer')
  return Math.max(...(await Promise.all(renderers.map(({ id }) => peakBytes(id)))))
}

/** @param {number} pid */
async function peakBytes(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? []
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no VmHWM`)
  return Number(kibibytes) * 1024
}
