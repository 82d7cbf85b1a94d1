/** How much memory a tab takes at rest. */
import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright'
import type { Tab } from './tab.js'

export interface Memory {
  /** Of the tab's page, its worker and their WebAssembly memories, as the browser measures them. */
  readonly tabBytes: number
  /** Resident, of all the browser's processes that run pages. NaN where there is no `/proc`. */
  readonly processBytes: number
}

/** After garbage was collected. */
export async function memoryOf(tab: Tab, browser: Browser): Promise<Memory> {
  // What the harness keeps of the client's events is not the client's.
  await tab.visit.evaluate('void (world.events.length = 0)')
  const measuring = tab.visit.evaluate<number>('soak.memoryBytes()')
  // Each of them is measured when it collects its garbage. Threads of WebAssembly that wait for work never do: then the
  // browser goes on without them, after a minute.
  for (const worker of tab.visit.page.workers()) worker.evaluate('gc()').catch(() => undefined)
  await tab.visit.evaluate('gc()')
  const tabBytes = await measuring
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  const resident = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => residentBytes(id))
  return { tabBytes, processBytes: resident.reduce((sum, bytes) => sum + bytes, 0) }
}

function residentBytes(pid: number): number {
  if (process.platform !== 'linux') return NaN
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}
