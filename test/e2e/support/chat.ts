/** The demo's chat as its users know it, on a site with a tiny model. */
import type { Locator, Page } from '@playwright/test'
import { Demo, expect, test as base } from './fixtures.js'
import { startTinyChatSite, type TinyChatSite } from './tiny-chat.js'

export { expect }

/** What the tiny model writes behind a chat: as far as an answer goes. */
export const uncut = 'abcdefghijklmnopqrstuvwxyz'.repeat(20).slice(0, 512)

export const test = base.extend<{ readonly chat: Chat }, { readonly site: TinyChatSite }>({
  site: [
    // Playwright reads from the pattern which fixtures this one needs.
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const site = await startTinyChatSite()
      await use(site)
      await site.close()
    },
    { scope: 'worker' },
  ],
  chat: async ({ page, site }, use) => {
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(String(error)))
    page.on('console', (message) => {
      // The browser's own words about a connection that somebody has cut.
      const isAboutNetwork = message.text().startsWith('Failed to load resource: net::')
      if (message.type() === 'error' && !isAboutNetwork) errors.push(message.text())
    })
    // Under pressure an endpoint goes before the device: what else this machine has to do would decide how a test ends.
    await page.addInitScript(() => void Reflect.deleteProperty(globalThis, 'PressureObserver'))
    await page.goto(`${site.demoUrl}/#chat`)
    await use(new Chat(page))
    expect(errors).toEqual([])
  },
})

export class Chat extends Demo {
  /** Of the last answer. */
  readonly answer: Locator
  readonly text: Locator
  readonly numbers: Locator
  /** What happened while it was written. */
  readonly log: Locator

  constructor(page: Page) {
    super(page)
    this.answer = page.locator('.answer').last()
    this.text = this.answer.locator('.answer-text')
    this.numbers = this.answer.locator('.answer-numbers')
    this.log = this.answer.getByRole('list', { name: 'What happened while it was written' })
  }

  /** The texts that an engine has underlined. */
  writtenBy(engine: 'device' | 'remote'): Locator {
    return this.text.locator(`[data-place="${engine}"]`)
  }

  async send(message: string): Promise<void> {
    await this.page.getByLabel('Your message').fill(message)
    await this.page.keyboard.press('Enter')
  }

  /** Presses a button in the middle of the next answer, however fast that comes. */
  async pressInNextAnswer(name: string): Promise<void> {
    await this.page.evaluate((name) => {
      const turns = document.querySelector('#chat-turns')
      const press = (_: unknown, observer: MutationObserver) => {
        const written = [...document.querySelectorAll('.answer-text')].at(-1)?.textContent ?? ''
        const button = [...document.querySelectorAll<HTMLButtonElement>('#chat button')].find(
          ({ textContent }) => textContent.trim() === name,
        )
        const isOffered = button?.hidden === false && button.getAttribute('aria-disabled') !== 'true'
        if (!isOffered || !written.includes('abcdefgh')) return
        observer.disconnect()
        button.click()
      }
      if (turns !== null) new MutationObserver(press).observe(turns, { childList: true, subtree: true })
    }, name)
  }

  /** Has an answer written on the device to its end, so that the model is ready there. */
  async makeReady(): Promise<void> {
    await this.choose('Device only')
    await this.send('Say the alphabet.')
    await expect(this.text).toHaveText(uncut)
    await this.choose('Automatic')
  }
}

/** Answers the page's next requests for a chat with a text, as an endpoint does. */
export async function answerWith(page: Page, text: string): Promise<void> {
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'tiny' }
  const chunk = (delta: object, reason: string | null) =>
    `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`
  const body = `${chunk({ role: 'assistant', content: text }, null)}${chunk({}, 'stop')}data: [DONE]\n\n`
  await page.route('**/v1/chat/completions', (route) => route.fulfill({ contentType: 'text/event-stream', body }))
}
