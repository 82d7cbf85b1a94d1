/** Has the sentinel know what is being loaded, so that a page that the operating system kills leaves a note of it. */
import type { Capabilities } from '../contract/index.js'
import type { CrashSentinel } from '../device/index.js'
import { deviceKey, placementName } from '../router/index.js'
import type { DeviceListener } from '../runtime/index.js'
import type { Places } from './places.js'

/** @param capabilities - undefined before the first plan, which comes before the first load */
export function sentinelWatch(
  sentinel: CrashSentinel,
  places: Places,
  capabilities: () => Capabilities | undefined,
): NonNullable<DeviceListener['onLoading']> {
  return ({ manifest }, placement) => {
    const known = capabilities()
    if (known === undefined) return undefined
    const key = deviceKey(places.onDevice({ model: manifest.id, manifest, placement, capabilities: known }))
    sentinel.begin(key, `loading ${manifest.id} on ${placementName(placement)}`)
    return {
      // From the runtime's start on, memory is taken: a session needs all of it at once.
      phase: (phase) => sentinel.phase(key, phase === 'session' || phase === 'canary' ? 'session' : 'download'),
      end: () => sentinel.end(key),
    }
  }
}
