/** A device that is throttled, under the plan and the measurements together: each alone may undo what the other one does. */
import { expect, it } from 'vitest'
import type { Preference } from '../../../packages/sdk/src/contract/index.js'
import { plan } from '../../../packages/sdk/src/router/index.js'
import { Measurements } from '../../../packages/sdk/src/telemetry/index.js'
import { anywhere, endpoint, orderOf, usualInput } from './inputs.js'

const units = 32
const place = 'wasm/fp32'

/** Requests, one after the other; what is planned to be measured again is. */
function requestsUnder(prefer: Preference) {
  const measurements = new Measurements(() => 0)
  return (count: number, deviceMs: number, endpointMs: number) =>
    Array.from({ length: count }, () => {
      const device = measurements.of(place)
      const planned = plan({
        ...usualInput,
        units,
        policy: { ...anywhere, prefer },
        readiness: new Map([[place, 'ready']]),
        measurements: new Map(device && [[place, device]]),
        endpoints: [{ endpoint, isSpared: false, measurements: measurements.of(endpoint) }],
      })
      const [first] = orderOf(planned)
      if (first === 'remote') measurements.addRun(endpoint, units, endpointMs)
      if (first !== 'remote' || planned.remeasure) measurements.addRun(place, units, deviceMs)
      return first
    })
}

it.each(['device', 'fastest'] as const)(
  'under %s, requests leave a device that has become slow, stay away, and come back when it has recovered',
  (prefer) => {
    const request = requestsUnder(prefer)
    expect(new Set(request(40, 80, 100))).toEqual(new Set(['wasm fp32']))
    const throttled = request(20, 1_600, 100)
    expect(throttled.slice(0, 4)).toContain('remote')
    expect(new Set(throttled.slice(4))).toEqual(new Set(['remote']))
    expect(request(10, 80, 100).at(-1)).toBe('wasm fp32')
  },
)
