/** Checks a policy, and fills in what it does not say. */
import type { Policy, ResolvedPolicy } from '../contract/index.js'
import { definedOf, limit, oneOf, refuseUnknown, trueOrFalse, type Keys } from './check-values.js'

const policyKeys: Keys<Policy> = {
  residency: true,
  prefer: true,
  offline: true,
  deadlineMs: true,
  firstOutputMs: true,
  maxDownloadBytes: true,
  maxMemoryBytes: true,
  saveData: true,
  power: true,
  maxQueued: true,
  minTokensPerSecond: true,
}
const residencies: readonly string[] = ['local-only', 'any'] satisfies ResolvedPolicy['residency'][]
const preferences: readonly string[] = ['device', 'fastest', 'cheapest', 'remote'] satisfies ResolvedPolicy['prefer'][]
const saveDataModes: readonly string[] = ['auto', 'on', 'off'] satisfies ResolvedPolicy['saveData'][]
const powerModes: readonly string[] = ['auto', 'low'] satisfies ResolvedPolicy['power'][]

/** @throws EdgewardError INVALID_OPTION */
export function resolvePolicy(policy: Policy | undefined, defaults: ResolvedPolicy): ResolvedPolicy {
  if (policy === undefined) return defaults
  refuseUnknown('policy', policy, policyKeys)
  const resolved = { ...defaults, ...definedOf(policy) }
  oneOf('policy.residency', resolved.residency, residencies)
  oneOf('policy.prefer', resolved.prefer, preferences)
  trueOrFalse('policy.offline', resolved.offline)
  oneOf('policy.saveData', resolved.saveData, saveDataModes)
  oneOf('policy.power', resolved.power, powerModes)
  limit('policy.deadlineMs', resolved.deadlineMs, 'milliseconds above zero', 0)
  limit('policy.firstOutputMs', resolved.firstOutputMs, 'milliseconds above zero', 0)
  limit('policy.maxDownloadBytes', resolved.maxDownloadBytes, 'bytes from zero', -1)
  limit('policy.maxMemoryBytes', resolved.maxMemoryBytes, 'bytes above zero', 0)
  limit('policy.maxQueued', resolved.maxQueued, 'requests from zero', -1)
  limit('policy.minTokensPerSecond', resolved.minTokensPerSecond, 'tokens per second from zero', -1)
  return resolved
}
