/**
 * Runs a page in a Chromium that nobody watches. A debugger's connection, such as Playwright's, keeps the bodies of answers
 * in the page's process and slows requests down: what a load costs cannot be measured beside it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chromium } from 'playwright'
import { chromiumArgs, findChromium } from '../../../scripts/lib/chromium.mjs'

const args = [...chromiumArgs, '--headless', '--no-default-browser-check', '--disable-gpu', '--password-store=basic']
const patienceMs = 180_000

/**
 * Opens an address in a new browser on a profile, waits for `result`, and closes the browser as a user would, so that the
 * next one finds all that it was to keep.
 *
 * @template T
 * @param {string} profile
 * @param {string} url
 * @param {(signal: AbortSignal) => Promise<T>} result
 * @param {(pid: number) => U} look taken before the browser is closed
 * @template U
 * @returns {Promise<[T, U]>}
 */
export async function openInBrowser(profile, url, result, look) {
  const executable = findChromium() ?? chromium.executablePath()
  const browser = spawn(executable, [...args, `--user-data-dir=${profile}`, url], { stdio: 'ignore' })
  const ended = once(browser, 'exit')
  const waiting = new AbortController()
  const patience = setTimeout(() => waiting.abort(new Error(`no result after ${patienceMs / 1000} s`)), patienceMs)
  void ended.then(() => waiting.abort(new Error('the browser ended before the page had a result')))
  try {
    const answer = await result(waiting.signal)
    return [answer, look(browser.pid ?? NaN)]
  } finally {
    clearTimeout(patience)
    browser.kill('SIGTERM')
    await ended
  }
}
