/** Checks what the caller said, once, at the door, and fills in the defaults. */
import type { Backend, Policy, ResolvedPolicy, TaskName } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { nearestName } from '../shared/index.js'
import type { RemoteOptions } from '../remote/index.js'
import { clientDefaults, type ClientOptions, type PrepareOptions, type RequestOptions } from './options.js'

/** A client's options as the rest of the SDK reads them: past this point nobody asks for a default. */
export interface ResolvedClientOptions {
  readonly models: string | URL
  readonly remote: RemoteOptions | undefined
  readonly device: boolean
  readonly backends: readonly Backend[] | undefined
  readonly threads: number | undefined
  readonly workerUrl: string | URL | undefined
  readonly policy: ResolvedPolicy
}

/** Every key of an options type: one that is missing or too many here does not compile. */
type Keys<T> = { readonly [K in keyof T]-?: true }

const clientKeys: Keys<ClientOptions> = {
  models: true,
  remote: true,
  device: true,
  backends: true,
  threads: true,
  workerUrl: true,
  policy: true,
}
const remoteKeys: Keys<RemoteOptions> = {
  protocol: true,
  url: true,
  headers: true,
  timeoutMs: true,
  maxResponseBytes: true,
  binary: true,
}
const policyKeys: Keys<Policy> = { residency: true, prefer: true }
const requestKeys: Keys<RequestOptions> = { signal: true, policy: true }
const prepareKeys: Keys<PrepareOptions> = { ...requestKeys, onProgress: true }

/** The options that a task has of its own. */
const taskKeys: { readonly [T in TaskName]: Readonly<Record<string, true>> } = {
  tensors: { outputs: true },
  'feature-extraction': {},
  'image-to-text': {},
}

const residencies: readonly string[] = ['local-only', 'any'] satisfies ResolvedPolicy['residency'][]
const preferences: readonly string[] = ['device', 'remote'] satisfies ResolvedPolicy['prefer'][]
const backendNames: readonly string[] = ['webgpu', 'wasm'] satisfies Backend[]

/** @throws EdgewardError INVALID_OPTION */
export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  refuseUnknown('createClient', options, clientKeys)
  const { models = clientDefaults.models, device = clientDefaults.device, backends, threads, workerUrl, remote } = options
  backends?.forEach((backend, index) => oneOf(`backends[${index}]`, backend, backendNames))
  if (backends?.length === 0) throw invalid('backends', 'is empty', 'device: false, or at least one backend')
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw invalid('threads', `is ${threads}`, 'a whole number from 1')
  }
  if (remote !== undefined) checkRemote(remote)
  if (typeof device !== 'boolean') throw invalid('device', `is ${String(device)}`, 'true or false')
  const policy = resolvePolicy(options.policy, clientDefaults.policy)
  return { models, remote, device, backends, threads, workerUrl, policy }
}

function checkRemote(remote: RemoteOptions): void {
  refuseUnknown('remote', remote, remoteKeys)
  oneOf('remote.protocol', remote.protocol, ['oip'])
  if (remote.timeoutMs !== undefined && !(remote.timeoutMs > 0)) {
    throw invalid('remote.timeoutMs', `is ${remote.timeoutMs}`, 'a number of milliseconds above zero')
  }
}

/** @throws EdgewardError INVALID_OPTION */
export function resolvePolicy(policy: Policy | undefined, defaults: ResolvedPolicy): ResolvedPolicy {
  if (policy === undefined) return defaults
  refuseUnknown('policy', policy, policyKeys)
  const resolved = { ...defaults, ...definedOf(policy) }
  oneOf('policy.residency', resolved.residency, residencies)
  oneOf('policy.prefer', resolved.prefer, preferences)
  return resolved
}

/** Checks what came with a request of a task. @throws EdgewardError INVALID_OPTION */
export function checkPipelineOptions(task: TaskName, options: RequestOptions): void {
  checkOptions(`a request of ${task}`, options, { ...requestKeys, ...taskKeys[task] })
}

/** @throws EdgewardError INVALID_OPTION */
export function checkExplainOptions(options: RequestOptions): void {
  checkOptions('explain', options, requestKeys)
}

/** @throws EdgewardError INVALID_OPTION */
export function checkPrepareOptions(options: PrepareOptions): void {
  checkOptions('prepare', options, prepareKeys)
}

function checkOptions(where: string, options: RequestOptions, known: Readonly<Record<string, true>>): void {
  refuseUnknown(where, options, known)
  const { signal } = options as { signal?: unknown }
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid('signal', 'is something else', 'an AbortSignal')
}

function refuseUnknown(where: string, options: object, known: Readonly<Record<string, true>>): void {
  const names = Object.keys(known)
  for (const key of Object.keys(options)) {
    if (key in known) continue
    const nearest = nearestName(key, names)
    const hint = nearest === undefined ? `it takes ${names.join(', ')}` : `did you mean ${nearest}?`
    throw new EdgewardError('INVALID_OPTION', `${where} does not know the option ${JSON.stringify(key)}; ${hint}`)
  }
}

function oneOf(where: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw invalid(where, `is ${JSON.stringify(value)}`, allowed.map((name) => `'${name}'`).join(' or '))
}

function invalid(where: string, what: string, right: string): EdgewardError {
  return new EdgewardError('INVALID_OPTION', `The option ${where} ${what}; it must be ${right}.`)
}

/** Without the keys whose value is undefined, which mean "not said". */
function definedOf<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
