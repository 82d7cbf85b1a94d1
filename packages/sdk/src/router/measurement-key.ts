/** The keys that measurements are kept under: what is measured of one thing never counts for another. */
import type { Backend, Manifest, TaskName, VariantDtype } from '../contract/index.js'

/** What the speed of a model on the device depends on. A change of any of it starts afresh. */
export interface DeviceKeyParts {
  readonly model: Manifest['id']
  readonly revision: Manifest['revision']
  readonly variant: VariantDtype
  readonly backend: Backend
  /** As `adapterName` of the device room gives it. */
  readonly adapter: string
  /** As `browserName` of the device room gives it. */
  readonly browser: string
}

/** @param task - whose runs are meant: each task has a measure of its own for how much work a request is. Absent: loads */
export function deviceKey(
  { model, revision, variant, backend, adapter, browser }: DeviceKeyParts,
  task?: TaskName,
): string {
  const parts = ['device', model, revision, variant, backend, adapter, browser]
  return keyOf(...parts, ...(task === undefined ? [] : [task]))
}

/** What all placements of a backend on this adapter and browser share. */
export function backendKey({
  backend,
  adapter,
  browser,
}: Pick<DeviceKeyParts, 'backend' | 'adapter' | 'browser'>): string {
  return keyOf('backend', backend, adapter, browser)
}

export function endpointKey(endpoint: string, model: string, task: TaskName): string {
  return keyOf('endpoint', endpoint, model, task)
}

/** JSON, because it escapes what separates its parts, and unlike a percent-encoding also takes unpaired surrogates. */
function keyOf(...parts: readonly string[]): string {
  return JSON.stringify(parts)
}
