/** ONNX Runtime as Transformers.js depends on it; its sessions fail when the chaos tests' faults say so. */
import * as real from '/peer/runtime/ort.webgpu.bundle.min.mjs'

export * from '/peer/runtime/ort.webgpu.bundle.min.mjs'

const noFaults = { create: (make) => make(), run: (run) => run() }

export const InferenceSession = {
  async create(...given) {
    const faults = self.sessionFaults ?? noFaults
    const session = await faults.create(() => real.InferenceSession.create(...given), given[0])
    const run = session.run.bind(session)
    session.run = (...inputs) => faults.run(() => run(...inputs))
    return session
  },
}
