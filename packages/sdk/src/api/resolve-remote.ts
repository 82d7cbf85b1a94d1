/** Checks what the caller said of endpoints. */
import type {
  Continuation,
  OipRemoteOptions,
  OpenAiRemoteOptions,
  OpenAiServer,
  RemoteOptions,
} from '../remote/index.js'
import { aboveZero, describe, invalid, oneOf, refuseUnknown, trueOrFalse, type Keys } from './check-values.js'
import type { ClientOptions } from './options.js'

const keysOfBoth = {
  protocol: true,
  url: true,
  headers: true,
  timeoutMs: true,
  maxResponseBytes: true,
  loadReports: true,
} as const
const oipKeys: Keys<OipRemoteOptions> = { ...keysOfBoth, binary: true }
const openAiKeys: Keys<OpenAiRemoteOptions> = {
  ...keysOfBoth,
  models: true,
  model: true,
  server: true,
  stallMs: true,
  continuation: true,
}
const continuations: readonly string[] = ['auto', 'tokens', 'message', 'none'] satisfies Continuation[]
const servers: readonly string[] = [
  'edgeward',
  'vllm',
  'llamacpp',
  'ollama',
  'ovms',
  'openai',
  'other',
] satisfies OpenAiServer[]

/** One endpoint, or several. @throws EdgewardError INVALID_OPTION */
export function remotesOf(remote: ClientOptions['remote']): readonly RemoteOptions[] {
  if (remote === undefined) return []
  if (!isList(remote)) {
    checkRemote('remote', remote)
    return [remote]
  }
  remote.forEach((one, index) => checkRemote(`remote[${index}]`, one))
  return remote
}

/** `Array.isArray` does not narrow lists that are read-only. */
function isList(remote: RemoteOptions | readonly RemoteOptions[]): remote is readonly RemoteOptions[] {
  return Array.isArray(remote)
}

function checkRemote(where: string, remote: RemoteOptions): void {
  const openAi = asOpenAi(remote)
  refuseUnknown(where, remote, openAi ? openAiKeys : oipKeys)
  oneOf(`${where}.protocol`, remote.protocol, ['oip', 'openai'])
  aboveZero(`${where}.timeoutMs`, remote.timeoutMs, 'milliseconds')
  aboveZero(`${where}.maxResponseBytes`, remote.maxResponseBytes, 'bytes')
  if (remote.loadReports !== undefined) trueOrFalse(`${where}.loadReports`, remote.loadReports)
  if (openAi) checkOpenAi(where, openAi)
  else if ('binary' in remote && remote.binary !== undefined) trueOrFalse(`${where}.binary`, remote.binary)
}

function checkOpenAi(where: string, remote: OpenAiRemoteOptions): void {
  const { models, model, server, stallMs, continuation } = remote
  aboveZero(`${where}.stallMs`, stallMs, 'milliseconds')
  if (server !== undefined) oneOf(`${where}.server`, server, servers)
  if (continuation !== undefined) oneOf(`${where}.continuation`, continuation, continuations)
  const names: readonly unknown[] = [...(model === undefined ? [] : [model]), ...Object.values(models ?? {})]
  const wrong = names.findIndex((name) => typeof name !== 'string' || name === '')
  if (wrong >= 0)
    throw invalid(`${where}.${model === undefined ? 'models' : 'model'}`, `is ${describe(names[wrong])}`, 'a name')
}

/** Callers without types may say anything. */
function asOpenAi(remote: RemoteOptions | null): OpenAiRemoteOptions | undefined {
  return remote?.protocol === 'openai' ? remote : undefined
}
