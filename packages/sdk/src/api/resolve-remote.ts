/** Checks what the caller said of endpoints. */
import type { RemoteOptions } from '../remote/index.js'
import { aboveZero, oneOf, refuseUnknown, trueOrFalse, type Keys } from './check-values.js'
import type { ClientOptions } from './options.js'

const remoteKeys: Keys<RemoteOptions> = {
  protocol: true,
  url: true,
  headers: true,
  timeoutMs: true,
  maxResponseBytes: true,
  binary: true,
  loadReports: true,
}

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
  refuseUnknown(where, remote, remoteKeys)
  oneOf(`${where}.protocol`, remote.protocol, ['oip'])
  aboveZero(`${where}.timeoutMs`, remote.timeoutMs, 'milliseconds')
  aboveZero(`${where}.maxResponseBytes`, remote.maxResponseBytes, 'bytes')
  if (remote.binary !== undefined) trueOrFalse(`${where}.binary`, remote.binary)
  if (remote.loadReports !== undefined) trueOrFalse(`${where}.loadReports`, remote.loadReports)
}
