/**
 * Makes a page's process as slow as a hot phone's. DevTools can slow down the page's main thread
 * (`Emulation.setCPUThrottlingRate`), but refuses workers ("only supported for pages, not workers"), which is where models
 * run: so the renderers are also stopped and let go on by signals, most of the time stopped.
 */
import type { Page } from '@playwright/test'
import { setTimeout as delay } from 'node:timers/promises'

interface ProcessInfo {
  readonly type: string
  readonly id: number
}

/** What runs for one of so many slices of time. */
const sliceMs = 5

/** Slows the page's browser down by a factor; the returned function lets it go. */
export async function slowDown(page: Page, factor: number): Promise<() => Promise<void>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Emulation.setCPUThrottlingRate', { rate: factor })
  const renderers = await renderersOf(page)
  const ending = new AbortController()
  const slowing = (async () => {
    try {
      while (!ending.signal.aborted) {
        signal(renderers, 'SIGSTOP')
        await delay(sliceMs * (factor - 1))
        signal(renderers, 'SIGCONT')
        await delay(sliceMs)
      }
    } finally {
      signal(renderers, 'SIGCONT')
    }
  })()
  return async () => {
    ending.abort()
    await slowing
    await session.send('Emulation.setCPUThrottlingRate', { rate: 1 })
    await session.detach()
  }
}

async function renderersOf(page: Page): Promise<readonly number[]> {
  const browser = page.context().browser()
  if (browser === null) throw new Error('the page has no browser')
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = (await session.send('SystemInfo.getProcessInfo')) as { processInfo: readonly ProcessInfo[] }
  await session.detach()
  return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
}

function signal(processes: readonly number[], name: 'SIGSTOP' | 'SIGCONT'): void {
  for (const id of processes) process.kill(id, name)
}
