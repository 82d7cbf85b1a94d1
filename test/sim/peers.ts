/** What the simulator compares Edgeward with: clients that decide once and for all. */
import { neverAborted } from '../../packages/sdk/src/shared/index.js'
import type { SimulatedDevice } from './device.js'
import { askEndpoint } from './remote.js'
import type { Answer, Client, VisitParts } from './replay.js'
import type { Visit } from './visits.js'

const failed: Answer = { isAnswered: false, isLocal: false }
const answered = (isLocal: boolean): Answer => ({ isAnswered: true, isLocal })

/** The device, which is waited for. The GPU where there is one. What fails has failed. */
export function alwaysDevice({ visit, device }: VisitParts): Client {
  return { answer: (tokens) => onDevice(device, visit, tokens) }
}

/** The endpoint, without a second try. */
export function alwaysRemote(parts: VisitParts): Client {
  return { answer: (tokens) => atEndpoint(parts, tokens) }
}

/**
 * As Firebase AI Logic's `prefer_on_device`: the device when it passes a static check and the model has been downloaded; else
 * the cloud, while the model is downloaded. A call that fails on the device does not go to the cloud. The static check of
 * Chrome's built-in model is for a GPU with 4 GB (or a PC with 16 GB); that of web pages with their own models is "is WebGPU
 * there?", which is what is taken here. With Save-Data nothing is downloaded, as Chrome does not on metered networks.
 */
export function availabilityCheck(parts: VisitParts): Client {
  const { visit, device } = parts
  const isSupported = visit.webgpuFlops !== undefined
  return {
    async answer(tokens) {
      const readiness = device.readiness('webgpu')
      if (isSupported && (readiness === 'ready' || readiness === 'cached')) return onDevice(device, visit, tokens)
      if (isSupported && !visit.profile.saveData) void device.load('webgpu')
      return atEndpoint(parts, tokens)
    },
  }
}

async function onDevice(device: SimulatedDevice, { webgpuFlops }: Visit, tokens: number): Promise<Answer> {
  const backend = webgpuFlops === undefined ? 'wasm' : 'webgpu'
  if ('code' in (await device.load(backend))) return failed
  return 'code' in (await device.run(backend, tokens)) ? failed : answered(true)
}

async function atEndpoint(parts: VisitParts, tokens: number): Promise<Answer> {
  const outcome = await askEndpoint(parts, tokens, neverAborted())
  return outcome === 'answered' ? answered(false) : failed
}
