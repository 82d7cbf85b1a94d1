/** Stands at the address of ONNX Runtime's script: the same runtime, whose sessions fail when `worker-faults.js` says so. */
const { hash, pathname } = new URL(import.meta.url)
// A runtime that is started afresh has another fragment.
const real = await import(`${pathname}?real${hash}`)

export const { Tensor, env } = real

export const InferenceSession = {
  async create(...given) {
    const session = await self.sessionFaults.create(() => real.InferenceSession.create(...given), given[0])
    return {
      run: (...inputs) => self.sessionFaults.run(() => session.run(...inputs)),
      release: () => session.release(),
    }
  },
}
