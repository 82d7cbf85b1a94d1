/** Checks what the caller said, once, at the door, and fills in the defaults. */
import type { Backend, ResolvedPolicy, StorageOptions } from '../contract/index.js'
import type { RemoteOptions } from '../remote/index.js'
import {
  aboveZero,
  describe,
  invalid,
  oneOf,
  quoted,
  refuseUnknown,
  share,
  trueOrFalse,
  type Keys,
} from './check-values.js'
import { resolvePolicy } from './resolve-policy.js'
import { remotesOf } from './resolve-remote.js'
import {
  clientDefaults,
  type ClientOptions,
  type EndpointOrder,
  type HuggingFaceOptions,
  type RecycleOptions,
  type Updates,
} from './options.js'

/** A client's options as the rest of the SDK reads them: past this point nobody asks for a default. */
export interface ResolvedClientOptions {
  readonly models: readonly (string | URL)[]
  readonly remote: readonly RemoteOptions[]
  readonly device: boolean
  readonly backends: readonly Backend[] | undefined
  readonly threads: number | undefined
  readonly workerUrl: string | URL | undefined
  readonly storage: StorageOptions | undefined
  readonly updates: Updates
  readonly huggingFace: HuggingFaceOptions & { readonly baseUrl: string | URL }
  readonly hedgeShare: number
  readonly shadowShare: number
  readonly hangMs: number
  readonly recycle: Required<RecycleOptions>
  readonly endpointOrder: EndpointOrder
  readonly policy: ResolvedPolicy
}

const clientKeys: Keys<ClientOptions> = {
  models: true,
  remote: true,
  device: true,
  backends: true,
  threads: true,
  workerUrl: true,
  storage: true,
  updates: true,
  huggingFace: true,
  hedgeShare: true,
  shadowShare: true,
  hangMs: true,
  recycle: true,
  endpointOrder: true,
  policy: true,
}
const huggingFaceKeys: Keys<HuggingFaceOptions> = { baseUrl: true, token: true }
const recycleKeys: Keys<RecycleOptions> = { runs: true, heapGrowthBytes: true }
const storageKeys: Keys<StorageOptions> = { maxBytes: true }
const updateModes: readonly string[] = ['background', 'manual'] satisfies Updates[]
const endpointOrders: readonly string[] = ['measured', 'given'] satisfies EndpointOrder[]
const backendNames: readonly string[] = ['webgpu', 'wasm'] satisfies Backend[]

/** @throws EdgewardError INVALID_OPTION */
export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  refuseUnknown('createClient', options, clientKeys)
  const {
    models = clientDefaults.models,
    device = clientDefaults.device,
    updates = clientDefaults.updates,
    hedgeShare = clientDefaults.hedgeShare,
    shadowShare = clientDefaults.shadowShare,
    hangMs = clientDefaults.hangMs,
    endpointOrder = clientDefaults.endpointOrder,
    backends,
    threads,
    workerUrl,
    remote,
    storage,
  } = options
  const mirrors = modelsOf(models)
  oneOf('updates', updates, updateModes)
  if (workerUrl !== undefined) checkUrl('workerUrl', workerUrl)
  if (backends !== undefined) checkBackends(backends)
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw invalid('threads', `is ${describe(threads)}`, 'a whole number from 1')
  }
  const endpoints = remotesOf(remote)
  share('hedgeShare', hedgeShare)
  share('shadowShare', shadowShare)
  aboveZero('hangMs', hangMs, 'milliseconds')
  oneOf('endpointOrder', endpointOrder, endpointOrders)
  if (storage !== undefined) {
    refuseUnknown('storage', storage, storageKeys)
    aboveZero('storage.maxBytes', storage.maxBytes, 'bytes')
  }
  const huggingFace = huggingFaceOf(options.huggingFace)
  trueOrFalse('device', device)
  const policy = resolvePolicy(options.policy, clientDefaults.policy)
  const shares = { hedgeShare, shadowShare }
  const care = { hangMs, recycle: recycleOf(options.recycle), endpointOrder }
  const rest = { device, backends, threads, workerUrl, storage, updates, huggingFace, policy }
  return { models: mirrors, remote: endpoints, ...shares, ...care, ...rest }
}

function recycleOf(options: RecycleOptions = {}): Required<RecycleOptions> {
  refuseUnknown('recycle', options, recycleKeys)
  const { runs = clientDefaults.recycle.runs, heapGrowthBytes = clientDefaults.recycle.heapGrowthBytes } = options
  aboveZero('recycle.runs', runs, 'runs')
  aboveZero('recycle.heapGrowthBytes', heapGrowthBytes, 'bytes')
  return { runs, heapGrowthBytes }
}

function huggingFaceOf(options: HuggingFaceOptions | undefined): ResolvedClientOptions['huggingFace'] {
  if (options === undefined) return clientDefaults.huggingFace
  refuseUnknown('huggingFace', options, huggingFaceKeys)
  const { baseUrl = clientDefaults.huggingFace.baseUrl, token } = options
  checkUrl('huggingFace.baseUrl', baseUrl)
  if (token === undefined) return { baseUrl }
  // A wrong one is not shown: it may be a secret in the wrong place.
  const isToken = typeof token === 'function' || (typeof token === 'string' && token !== '')
  if (!isToken) throw invalid('huggingFace.token', 'is none', 'a token, or a function that gives one')
  return { baseUrl, token }
}

/** One address, or several mirrors. */
function modelsOf(models: string | URL | readonly (string | URL)[]): readonly (string | URL)[] {
  if (!Array.isArray(models)) {
    checkUrl('models', models)
    return [models as string | URL]
  }
  if (models.length === 0) throw invalid('models', 'is empty', 'an address, or a list of at least one')
  models.forEach((url, index) => checkUrl(`models[${index}]`, url))
  return models as readonly (string | URL)[] // As just checked.
}

function checkUrl(where: string, url: unknown): void {
  if (typeof url !== 'string' && !(url instanceof URL)) throw invalid(where, `is ${describe(url)}`, 'a string or a URL')
}

function checkBackends(backends: unknown): void {
  if (!Array.isArray(backends))
    throw invalid('backends', `is ${describe(backends)}`, `a list of ${quoted(backendNames)}`)
  if (backends.length === 0) throw invalid('backends', 'is empty', 'a list of at least one; device: false means none')
  backends.forEach((backend: string, index) => oneOf(`backends[${index}]`, backend, backendNames))
}
