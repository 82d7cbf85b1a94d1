/** The keys that measurements are kept under: what is measured of one thing never counts for another. */
import type { Backend, Manifest, VariantDtype } from '../contract/index.js'

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

export function deviceKey({ model, revision, variant, backend, adapter, browser }: DeviceKeyParts): string {
  return keyOf('device', model, revision, variant, backend, adapter, browser)
}

export function endpointKey(endpoint: string, model: string): string {
  return keyOf('endpoint', endpoint, model)
}

/** JSON, because it escapes what separates its parts, and unlike a percent-encoding also takes unpaired surrogates. */
function keyOf(...parts: readonly string[]): string {
  return JSON.stringify(parts)
}
