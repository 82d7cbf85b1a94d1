/** Setbacks and the notes of killed pages with the browser's own storage, locks and page events. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CrashSentinel as Sentinel, Leftover } from '../../packages/sdk/src/device/index.js'
import { createPageStore, CrashSentinel } from '../../packages/sdk/src/device/index.js'
import { deviceKey, Setbacks } from '../../packages/sdk/src/router/index.js'

const key = deviceKey({
  ...{ model: 'minilm', revision: '1', variant: 'fp32', backend: 'wasm' },
  ...{ adapter: '8 cores', browser: navigator.userAgent },
})
const description = 'loading minilm on wasm/fp32'
const session: readonly Leftover[] = [{ key, description }]

/** Another page of this origin, with a sentinel of its own. */
interface OtherPage extends Window {
  readonly sentinel: Sentinel
  readonly document: Document
  PageTransitionEvent: typeof PageTransitionEvent
}

const notes = () => Object.keys(localStorage).filter((name) => name.startsWith('edgeward:loading:'))
const forget = () => {
  for (const name of [...notes(), 'edgeward:suspects', 'edgeward:test-setbacks']) localStorage.removeItem(name)
}
beforeEach(forget)
afterEach(() => {
  forget()
  for (const frame of document.querySelectorAll('iframe')) frame.remove()
})

async function openPage(): Promise<{ frame: HTMLIFrameElement; page: OtherPage }> {
  const frame = document.createElement('iframe')
  const url = new URL('../../packages/sdk/src/device/index.ts', import.meta.url).href
  frame.srcdoc = `<script type="module">
    import { createPageStore, CrashSentinel } from ${JSON.stringify(url)}
    window.sentinel = new CrashSentinel(createPageStore())
    parent.postMessage('ready')
  </script>`
  const ready = new Promise((resolve) => addEventListener('message', resolve, { once: true }))
  document.body.append(frame)
  await ready
  // The frame's script has put the sentinel there.
  return { frame, page: frame.contentWindow as OtherPage }
}

/** The page writes its note when it has its lock. */
async function makesSession({ sentinel }: OtherPage): Promise<void> {
  sentinel.begin(key, description)
  sentinel.phase(key, 'session')
  await expect.poll(notes).toHaveLength(1)
}

/** Has a page hear nothing when it ends, as when the operating system kills it. To be called before anybody listens. */
function deafen(page: OtherPage): void {
  const swallow = (event: Event) => event.isTrusted && event.stopImmediatePropagation()
  for (const name of ['pagehide', 'visibilitychange']) page.addEventListener(name, swallow, { capture: true })
}

/** Ends a page; the browser gives its lock back. */
async function end(frame: HTMLIFrameElement): Promise<void> {
  frame.remove()
  await noLocks()
}

const noLocks = () =>
  expect
    .poll(async () => {
      const { held = [] } = await navigator.locks.query()
      return held.filter(({ name }) => name?.startsWith('edgeward-page-'))
    })
    .toEqual([])

const leftovers = () => new CrashSentinel(createPageStore()).leftovers()

test('a page that was killed while it made a session is told of, to one page only', async () => {
  const { frame, page } = await openPage()
  deafen(page)
  await makesSession(page)
  expect(await leftovers()).toEqual([]) // It lives.
  await end(frame)
  const [one, two] = await Promise.all([leftovers(), leftovers()])
  expect([...one, ...two]).toEqual(session)
  expect(notes()).toEqual([])
})

test('a page that is left while it makes a session was not killed', async () => {
  const { frame, page } = await openPage()
  await makesSession(page)
  await end(frame)
  expect(notes()).toEqual([])
  expect(await leftovers()).toEqual([])
})

test('a page in the back/forward cache holds no lock and no note, and both again when it comes back', async () => {
  const { page } = await openPage()
  await makesSession(page)
  page.dispatchEvent(new page.PageTransitionEvent('pagehide', { persisted: true }))
  expect(notes()).toEqual([])
  await noLocks()
  page.dispatchEvent(new page.PageTransitionEvent('pageshow', { persisted: true }))
  await expect.poll(notes).toHaveLength(1)
  expect(await leftovers()).toEqual([])
  page.sentinel.end(key)
  expect(notes()).toEqual([])
  await noLocks()
})

test('a page that nobody sees is killed for room, which is no proof until it happens twice', async () => {
  for (const expected of [[], session]) {
    const { frame, page } = await openPage()
    deafen(page)
    await makesSession(page)
    Object.defineProperty(page.document, 'visibilityState', { value: 'hidden' })
    page.document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
    await end(frame)
    expect(await leftovers()).toEqual(expected)
  }
})

test('a load that ends before the lock is there leaves nothing behind', async () => {
  const sentinel = new CrashSentinel(createPageStore())
  sentinel.begin(key, description)
  sentinel.end(key)
  sentinel.begin(key, description)
  await expect.poll(notes).toHaveLength(1)
  sentinel.dispose()
  expect(notes()).toEqual([])
  await noLocks()
})

test('a placement that killed the page rests in the next page too, until it works', async () => {
  const open = () => {
    const store = createPageStore()
    const note = 'edgeward:test-setbacks'
    return new Setbacks({ read: () => store.read(note), write: (value) => store.write(note, value) })
  }
  const place = { model: 'minilm', revision: '1', variant: 'fp32', backend: 'wasm' } as const
  const here = { ...place, adapter: '8 cores', browser: navigator.userAgent }
  const { frame, page } = await openPage()
  deafen(page)
  await makesSession(page)
  await end(frame)
  const first = open()
  for (const leftover of await leftovers()) first.pageKilled(leftover.key)
  expect(open().of(here)).toMatchObject({ code: 'WORKER_DIED', use: 'never' })
  first.succeeded(here)
  expect(open().of(here)).toBeUndefined()
})
