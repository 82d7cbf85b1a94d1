/** Probes this device and page once. No probe can throw, and each has a deadline. */
import type { Capabilities } from '../contract/index.js'
import { noStorage, probeStorage } from './storage.js'
import { probeWasm } from './wasm.js'
import { probeWebGpu } from './webgpu.js'

/** A driver that takes longer than this to answer is not one to wait for. */
export const probeDeadlineMs = 2_000

/** What the browser tells beyond the DOM library's types. */
interface NavigatorHints {
  readonly deviceMemory?: number
  readonly connection?: { readonly saveData?: boolean }
}

export async function probeCapabilities(): Promise<Capabilities> {
  const [webgpu, storage] = await Promise.all([
    withinDeadline(probeWebGpu, undefined),
    withinDeadline(probeStorage, noStorage()),
  ])
  const { deviceMemory, connection } = (globalThis.navigator ?? {}) as NavigatorHints
  const wasm = probeWasm()
  return {
    ...(webgpu && { webgpu }),
    ...(wasm && { wasm }),
    workers: typeof Worker !== 'undefined',
    cores: globalThis.navigator?.hardwareConcurrency ?? 1,
    ...(deviceMemory !== undefined && { deviceMemoryGiB: deviceMemory }),
    crossOriginIsolated: globalThis.crossOriginIsolated ?? false,
    secureContext: globalThis.isSecureContext ?? false,
    storage,
    saveData: connection?.saveData ?? false,
  }
}

/** What `probe` finds, or `otherwise` when it fails or is late: a failing probe means that the feature is not there. */
export function withinDeadline<T>(probe: () => Promise<T>, otherwise: T, deadlineMs = probeDeadlineMs): Promise<T> {
  return new Promise((resolve) => {
    const giveUp = () => resolve(otherwise)
    const timer = setTimeout(giveUp, deadlineMs)
    // Inside a promise, so that a probe that throws at once counts as failed too.
    Promise.resolve()
      .then(probe)
      .then(resolve, giveUp)
      .finally(() => clearTimeout(timer))
  })
}
