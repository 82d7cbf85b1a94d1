/** Several tabs for the tests: workers that have nothing in common but the origin. */
import { onTestFinished } from 'vitest'
import type { ManifestFile, ModelSource } from '../../../packages/sdk/src/contract/index.js'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import type { ServedFile } from './file-server-client.js'
import { chunkBytes } from './weights-harness.js'

/** What a tab's browser lacks or does wrong. */
export interface TabFaults {
  readonly lacks?: readonly ('locks' | 'BroadcastChannel' | 'indexedDB')[]
  /** So many requests go out; the others wait for `goOn()`. */
  readonly holdsRequestsAfter?: number
  /** Every write fails with `QuotaExceededError`. */
  readonly cannotStore?: boolean
}

export type TabCommand =
  | { readonly type: 'open'; readonly databaseName: string; readonly faults: TabFaults }
  | {
      readonly type: 'load'
      readonly id: number
      readonly file: ManifestFile
      readonly url: string
      readonly chunkBytes: number
      /** The model that the file is all of: it is admitted before, and published after. */
      readonly source: ModelSource | undefined
    }
  | { readonly type: 'abort'; readonly id: number; readonly reason: string }
  | { readonly type: 'go-on' }
  | { readonly type: 'close' }

export type TabEvent =
  | { readonly type: 'opened' }
  | { readonly type: 'closed' }
  | { readonly type: 'bytes'; readonly id: number; readonly count: number; readonly from: 'cache' | 'network' }
  | { readonly type: 'not-stored'; readonly id: number; readonly reason: string }
  | { readonly type: 'loaded'; readonly id: number; readonly sha256: string }
  | { readonly type: 'failed'; readonly id: number; readonly error: object }

export interface TabLoad {
  /** Resolves with the SHA-256 of what was loaded; rejects with what can be matched of the error. */
  readonly sha256: Promise<string>
  readonly came: { cache: number; network: number }
  readonly notStored: string[]
  abort(reason: string): void
}

export interface Tab {
  /** @param source The model that the file is all of, if it is to be loaded as one. */
  load(served: ServedFile, source?: ModelSource): TabLoad
  /** Lets the requests go that were held. */
  goOn(): void
  close(): Promise<void>
  /** Ends the tab as a crash does: nothing in it runs any more. */
  kill(): void
}

/** Opens a tab, which is killed when the test ends. */
export async function openTab(databaseName: string, faults: TabFaults = {}): Promise<Tab> {
  const worker = new Worker(new URL('./weights-tab-worker.ts', import.meta.url), { type: 'module' })
  onTestFinished(() => worker.terminate())
  const loads: Running[] = []
  const [opened, closed] = [createDeferred<void>(), createDeferred<void>()]
  worker.onerror = (event) => opened.reject(new Error(event.message))
  worker.onmessage = ({ data }: MessageEvent<TabEvent>) => {
    if (data.type === 'opened') opened.resolve()
    else if (data.type === 'closed') closed.resolve()
    else loads[data.id]?.on(data)
  }
  const send = (command: TabCommand) => worker.postMessage(command)
  send({ type: 'open', databaseName, faults })
  await opened.promise
  return {
    load: ({ file, url }, source) => {
      const id = loads.length
      const running = createRunning((reason) => send({ type: 'abort', id, reason }))
      loads.push(running)
      send({ type: 'load', id, file, url, chunkBytes, source })
      return running.load
    },
    goOn: () => send({ type: 'go-on' }),
    close: () => {
      send({ type: 'close' })
      return closed.promise
    },
    kill: () => worker.terminate(),
  }
}

interface Running {
  readonly load: TabLoad
  on(event: TabEvent): void
}

function createRunning(abort: (reason: string) => void): Running {
  const end = createDeferred<string>()
  end.promise.catch(() => undefined) // A test that kills the tab does not look at it.
  const load: TabLoad = { sha256: end.promise, came: { cache: 0, network: 0 }, notStored: [], abort }
  const on = (event: TabEvent) => {
    if (event.type === 'bytes') load.came[event.from] += event.count
    if (event.type === 'not-stored') load.notStored.push(event.reason)
    if (event.type === 'loaded') end.resolve(event.sha256)
    // Matched by its fields: an error of another realm.
    if (event.type === 'failed') end.reject(event.error)
  }
  return { load, on }
}
