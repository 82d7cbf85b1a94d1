/** A worker with a weights store of its own, as each tab has one: driven by messages from `weights-tabs.ts`. */
import { isEdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { openWeightsStore, type WeightsStore } from '../../../packages/sdk/src/weights/index.js'
import { sha256Hex } from '../../../packages/sdk/src/weights/verify.js'
import type { TabCommand, TabEvent, TabFaults } from './weights-tabs.js'

const aborts = new Map<number, AbortController>()
let store: WeightsStore | undefined
let letGo: () => void = () => undefined

const tell = (event: TabEvent) => postMessage(event)

addEventListener('message', ({ data }: MessageEvent<TabCommand>) => void run(data))

async function run(command: TabCommand): Promise<void> {
  switch (command.type) {
    case 'open':
      inject(command.faults)
      store = await openWeightsStore({ databaseName: command.databaseName })
      tell({ type: 'opened' })
      return
    case 'load':
      await load(command)
      return
    case 'abort':
      aborts.get(command.id)?.abort(new DOMException(command.reason, 'AbortError'))
      return
    case 'go-on':
      letGo()
      return
    case 'close':
      await store?.close()
      tell({ type: 'closed' })
  }
}

async function load({ id, file, url, chunkBytes, source }: TabCommand & { type: 'load' }): Promise<void> {
  const controller = new AbortController()
  aborts.set(id, controller)
  const onNotStored = (reason: string) => tell({ type: 'not-stored', id, reason })
  try {
    const admission = source && (await store?.admit(source, source.manifest.variants[0].dtype, { onNotStored }))
    const loaded = await store?.load(file, {
      url,
      chunkBytes,
      signal: controller.signal,
      onBytes: (count, from) => tell({ type: 'bytes', id, count, from }),
      onNotStored,
    })
    admission?.publish()
    await store?.settled()
    tell({ type: 'loaded', id, sha256: loaded ? await sha256Hex(loaded.intoOneBuffer()) : '' })
  } catch (error) {
    tell({ type: 'failed', id, error: describe(error) })
  }
}

/** An error as a test can match it. */
function describe(error: unknown): object {
  if (isEdgewardError(error)) return { name: error.name, code: error.code, message: error.message }
  if (error instanceof Error || error instanceof DOMException) return { name: error.name, message: error.message }
  throw error
}

function inject({ lacks = [], holdsRequestsAfter, cannotStore }: TabFaults): void {
  for (const name of lacks) {
    Object.defineProperty(name === 'locks' ? navigator : globalThis, name, { value: undefined })
  }
  if (holdsRequestsAfter !== undefined) holdRequests(holdsRequestsAfter)
  if (cannotStore) {
    IDBObjectStore.prototype.put = () => {
      throw new DOMException('as the test wants it', 'QuotaExceededError')
    }
  }
}

/** Lets so many requests through, and the others only when the test says so. */
function holdRequests(after: number): void {
  const original = globalThis.fetch
  const held = new Promise<void>((resolve) => (letGo = resolve))
  let count = 0
  globalThis.fetch = async (...args) => {
    count += 1
    if (count > after) await held
    return original(...args)
  }
}
