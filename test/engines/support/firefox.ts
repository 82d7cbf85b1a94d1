/** Debian's Firefox, through WebDriver BiDi. */
import puppeteer from 'puppeteer-core'
import type { Engine } from './engine.js'

export const firefoxPath = '/usr/bin/firefox-esr'

export async function startFirefox(): Promise<Engine> {
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath: firefoxPath, headless: true })
  const page = await browser.newPage()
  return {
    async run(url, body) {
      await page.goto(url)
      return page.evaluate(`(async () => { ${body} })()`)
    },
    close: () => browser.close(),
  }
}
