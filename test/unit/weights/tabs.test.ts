/** Who downloads, who waits and who goes alone, with the locks of a runtime that has no Web Locks. */
import { afterEach, describe, expect, test } from 'vitest'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { createDownloadLocks, type DownloadLocks } from '../../../packages/sdk/src/weights/download-locks.js'
import { ForegroundGate, LowPriority } from '../../../packages/sdk/src/weights/foreground-gate.js'
import { SharedDownload } from '../../../packages/sdk/src/weights/tabs.js'

const chunk = { index: 0, offset: 0, bytes: 7, digest: 'ab' }
const name = 'test-download'
const joined: SharedDownload[] = []

afterEach(() => joined.splice(0).forEach((each) => each.leave()))

async function join(locks: DownloadLocks, priority?: LowPriority): Promise<SharedDownload> {
  const shared = new SharedDownload(name, locks, priority)
  joined.push(shared)
  await shared.join()
  return shared
}

describe('the first', () => {
  test('owns the download; the others wait and own it in their order', async () => {
    const locks = createDownloadLocks()
    const [first, second, third] = [await join(locks), await join(locks), await join(locks)]
    expect([first.role, second.role, third.role]).toEqual(['owner', 'waiting', 'waiting'])
    first.leave()
    expect(await second.news(neverAborted())).toEqual(new Set())
    expect([second.role, third.role]).toEqual(['owner', 'waiting'])
    second.leave()
    await third.news(neverAborted())
    expect(third.role).toBe('owner')
  })

  test('tells those who wait what it has stored', async () => {
    const locks = createDownloadLocks()
    const [owner, waiting] = [await join(locks), await join(locks)]
    owner.tellStored(chunk)
    expect(await waiting.news(neverAborted())).toEqual(new Set(['ab']))
    expect(waiting.role).toBe('waiting')
  })

  test('sends all who wait on their own way when it goes alone', async () => {
    const locks = createDownloadLocks()
    const [owner, ...waiting] = [await join(locks), await join(locks), await join(locks)]
    owner.goAlone()
    for (const each of waiting) await each.news(neverAborted())
    expect(waiting.map(({ role }) => role)).not.toContain('waiting')
  })
})

describe('one who waits', () => {
  test('stops at once when its caller aborts', async () => {
    const locks = createDownloadLocks()
    await join(locks)
    const waiting = await join(locks)
    const controller = new AbortController()
    const news = waiting.news(controller.signal)
    controller.abort()
    await expect(news).rejects.toBe(controller.signal.reason)
  })

  test('and leaves is passed over', async () => {
    const locks = createDownloadLocks()
    const [first, second, third] = [await join(locks), await join(locks), await join(locks)]
    second.leave()
    first.leave()
    await third.news(neverAborted())
    expect([second.role, third.role]).toEqual(['gone', 'owner'])
  })

  test('takes no notice of messages that it does not know', async () => {
    const locks = createDownloadLocks()
    const [owner, waiting] = [await join(locks), await join(locks)]
    const other = new BroadcastChannel(name)
    for (const message of [undefined, 'stored', { type: 'stored' }, { type: 'of another version' }]) {
      other.postMessage(message)
    }
    owner.tellStored(chunk)
    expect(await waiting.news(neverAborted())).toEqual(new Set(['ab']))
    other.close()
  })
})

test('whoever can have no lock goes alone', async () => {
  const refuse = () => Promise.reject(new DOMException('no locks for this origin', 'SecurityError'))
  expect((await join({ tryTake: refuse, take: refuse })).role).toBe('alone')
  const taken = { tryTake: () => Promise.resolve(undefined), take: refuse }
  const waiting = await join(taken)
  await waiting.news(neverAborted())
  expect(waiting.role).toBe('alone')
})

test('who left before it was decided gives the lock back', async () => {
  const locks = createDownloadLocks()
  const gone = new SharedDownload(name, locks)
  const joining = gone.join()
  gone.leave()
  await joining
  expect((await join(locks)).role).toBe('owner')
})

describe('an owner of low priority', () => {
  test('is hastened by one who waits with somebody waiting for it, or as soon as that is so', async () => {
    const locks = createDownloadLocks()
    const gate = new ForegroundGate()
    const low = () => new LowPriority(gate)
    const [ownersPriority, waitersPriority] = [low(), low()]
    const owner = await join(locks, ownersPriority)
    const waiting = await join(locks, waitersPriority)
    expect([owner.role, waiting.role]).toEqual(['owner', 'waiting'])
    // One that is in no hurry either has had its say before the next message comes.
    owner.tellStored(chunk)
    await waiting.news(neverAborted())
    expect(ownersPriority.isLow).toBe(true)
    waitersPriority.hasten()
    await ownersPriority.hastened(neverAborted())
  })

  test('is hastened by a load without a priority, and so is the next owner before it', async () => {
    const locks = createDownloadLocks()
    const gate = new ForegroundGate()
    const priorities = [new LowPriority(gate), new LowPriority(gate)]
    for (const priority of priorities) await join(locks, priority)
    await join(locks)
    await Promise.all(priorities.map((priority) => priority.hastened(neverAborted())))
  })
})
