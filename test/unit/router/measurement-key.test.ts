/** Keys of measurements: what differs in any part has another key. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { deviceKey, endpointKey, type DeviceKeyParts } from '../../../packages/sdk/src/router/index.js'

/** Also the characters that separate and escape parts, and halves of surrogate pairs. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('"', ',', '\\', '[', '\ud800', 'd8') }),
)
const anyParts: fc.Arbitrary<DeviceKeyParts> = fc.record({
  model: anyText,
  revision: anyText,
  variant: fc.constantFrom('fp32' as const, 'q8' as const),
  backend: fc.constantFrom('wasm' as const, 'webgpu' as const),
  adapter: anyText,
  browser: anyText,
})
const isSame = (a: object, b: object) => JSON.stringify(Object.values(a)) === JSON.stringify(Object.values(b))

it('is the same for the same parts alone', () => {
  fc.assert(
    fc.property(anyParts, anyParts, (a, b) => {
      expect(deviceKey(a)).toBe(deviceKey({ ...a }))
      expect(deviceKey(a) === deviceKey(b)).toBe(isSame(a, b))
    }),
  )
})

it('changes with each part, however the text is shifted between them', () => {
  fc.assert(
    fc.property(anyParts, fc.nat(20), (parts, cut) => {
      const text = parts.model + parts.revision
      const shifted = { ...parts, model: text.slice(0, cut), revision: text.slice(cut) }
      if (shifted.model === parts.model && shifted.revision === parts.revision) return
      expect(deviceKey(shifted)).not.toBe(deviceKey(parts))
    }),
  )
})

it('of an endpoint is never that of a device, nor of another endpoint or model', () => {
  fc.assert(
    fc.property(anyParts, anyText, anyText, anyText, (parts, endpoint, model, other) => {
      expect(endpointKey(endpoint, model, 'tensors')).not.toBe(deviceKey(parts))
      expect(endpointKey(endpoint, model, 'tensors') === endpointKey(endpoint, other, 'tensors')).toBe(model === other)
      expect(endpointKey(endpoint, model, 'tensors') === endpointKey(other, model, 'tensors')).toBe(endpoint === other)
    }),
  )
})

it('tells the runs of each task apart, whose sizes cannot be compared, and from the loads of the model', () => {
  fc.assert(
    fc.property(anyParts, anyText, (parts, endpoint) => {
      const keys = [deviceKey(parts), deviceKey(parts, 'tensors'), deviceKey(parts, 'feature-extraction')]
      expect(new Set(keys).size).toBe(3)
      const texts = endpointKey(endpoint, parts.model, 'feature-extraction')
      expect(texts).not.toBe(endpointKey(endpoint, parts.model, 'tensors'))
    }),
  )
})
