/** The page's life, as the platform tells it. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { watchPageLife } from '../../../packages/sdk/src/device/index.js'

const onReturn = vi.fn()
const onLeave = vi.fn()
let page: EventTarget & { visibilityState?: string }
let view: EventTarget

beforeEach(() => {
  page = new EventTarget()
  view = new EventTarget()
  vi.stubGlobal('document', page)
  vi.stubGlobal('window', view)
  vi.stubGlobal('addEventListener', view.addEventListener.bind(view))
  vi.stubGlobal('removeEventListener', view.removeEventListener.bind(view))
  onReturn.mockReset()
  onLeave.mockReset()
})

afterEach(() => void vi.unstubAllGlobals())

const show = (persisted: boolean) => view.dispatchEvent(Object.assign(new Event('pageshow'), { persisted }))

it('tells of a page that is seen again, is resumed, comes back from "back" and is online again', () => {
  const stop = watchPageLife({ onReturn, onLeave })
  show(false)
  page.visibilityState = 'hidden'
  page.dispatchEvent(new Event('visibilitychange'))
  expect(onReturn).not.toHaveBeenCalled()
  page.visibilityState = 'visible'
  page.dispatchEvent(new Event('visibilitychange'))
  page.dispatchEvent(new Event('resume'))
  view.dispatchEvent(new Event('online'))
  show(true)
  expect(onReturn).toHaveBeenCalledTimes(4)
  expect(onLeave).not.toHaveBeenCalled()
  stop()
  page.dispatchEvent(new Event('resume'))
  view.dispatchEvent(new Event('pagehide'))
  show(true)
  expect([onReturn.mock.calls.length, onLeave.mock.calls.length]).toEqual([4, 0])
})

it('tells of a page that is left, and of its return though the browser does not say that it was kept', () => {
  const stop = watchPageLife({ onReturn, onLeave })
  view.dispatchEvent(new Event('pagehide'))
  expect(onLeave).toHaveBeenCalledOnce()
  show(false)
  expect(onReturn).toHaveBeenCalledOnce()
  stop()
})

it('tells nothing, and does not throw, where there is no page', () => {
  vi.unstubAllGlobals()
  watchPageLife({ onReturn, onLeave })()
  expect(onReturn).not.toHaveBeenCalled()
})
