/** The device of one visit: loads a model once for each backend, and runs one request at a time. */
import type { Backend } from '../../packages/sdk/src/contract/index.js'
import type { ErrorCode } from '../../packages/sdk/src/errors/index.js'
import type { Clock } from './clock.js'
import type { Link } from './link.js'
import type { Random } from './random.js'
import type { Visit } from './visits.js'
import { device } from './world.js'

export type DeviceOutcome = { readonly ms: number } | { readonly code: ErrorCode }

export class SimulatedDevice {
  readonly #clock: Clock
  readonly #visit: Visit
  readonly #random: Random
  readonly #link: Link
  readonly #loads = new Map<Backend, Promise<DeviceOutcome>>()
  readonly #ready = new Set<Backend>()
  #isCached: boolean
  #downloading: Promise<void> | undefined
  /** Runs one after the other. */
  #last: Promise<unknown> = Promise.resolve()
  #heat = { ms: 0, at: 0 }

  constructor(clock: Clock, visit: Visit, random: Random, link: Link) {
    this.#clock = clock
    this.#visit = visit
    this.#random = random
    this.#link = link
    this.#isCached = visit.isReturning
  }

  readiness(backend: Backend): 'ready' | 'loading' | 'cached' | 'absent' {
    if (this.#ready.has(backend)) return 'ready'
    if (this.#loads.has(backend)) return 'loading'
    return this.#isCached ? 'cached' : 'absent'
  }

  /** `ms` is what the load took after the download, if there was one. */
  load(backend: Backend): Promise<DeviceOutcome> {
    const known = this.#loads.get(backend)
    if (known) return known
    const loading = this.#load(backend).then((outcome) => {
      if ('code' in outcome) this.#loads.delete(backend)
      else this.#ready.add(backend)
      return outcome
    })
    this.#loads.set(backend, loading)
    return loading
  }

  /** What a run of so many tokens takes when nothing else goes on. */
  idealMs(backend: Backend, tokens: number): number {
    const { model, wasmFlops, webgpuFlops = wasmFlops, profile } = this.#visit
    const fixedMs = backend === 'webgpu' ? (profile.webgpuFixedMs ?? 0) : 1
    const flops = backend === 'webgpu' ? webgpuFlops : wasmFlops
    return fixedMs + (model.operationsPerUnit * tokens * 1000) / flops
  }

  /** `ms` is the run's own time, without waiting. */
  run(backend: Backend, tokens: number): Promise<DeviceOutcome> {
    const turn = this.#last.then(() => this.#run(backend, tokens))
    this.#last = turn
    return turn
  }

  async #run(backend: Backend, tokens: number): Promise<DeviceOutcome> {
    const { share, factor } = device.disturbed
    const disturbed = this.#random.chance(share) ? Math.max(1, this.#random.logNormal(factor)) : 1
    const noise = this.#random.noise(device.runNoise)
    const ms = this.idealMs(backend, tokens) * noise * disturbed * this.#slowdown()
    await this.#clock.wait(ms)
    this.#warm(ms)
    if (!this.#random.chance(device.runFails[backend])) return { ms }
    this.#ready.delete(backend)
    this.#loads.delete(backend)
    return { code: backend === 'webgpu' ? 'GPU_LOST' : 'RUN_FAILED' }
  }

  async #load(backend: Backend): Promise<DeviceOutcome> {
    const { model, profile, benchmark } = this.#visit
    if (!this.#isCached) {
      this.#downloading ??= this.#link.download(model.bytes)
      await this.#downloading
      this.#isCached = true
    }
    const { fixedMs, msPerMegabyte, atFlops, noise } = device.session
    const cpuMs = ((fixedMs + (msPerMegabyte * model.bytes) / 1e6) * atFlops) / benchmark.wasmFlops
    const ms = (cpuMs + (backend === 'webgpu' ? device.webgpuSessionMs : 0)) * this.#random.noise(noise)
    await this.#clock.wait(ms)
    const roomBytes = profile.deviceMemoryGiB * 2 ** 30 * device.tabShareOfMemory
    const isTooSmall = model.bytes * device.memoryPerByte > roomBytes
    const { tooSmall, anywhere } = device.sessionFails
    return this.#random.chance(isTooSmall ? tooSmall : anywhere) ? { code: 'OUT_OF_MEMORY' } : { ms }
  }

  #slowdown(): number {
    return 1 + (this.#visit.profile.throttled - 1) * Math.min(1, this.#heatNow() / device.heat.fullMs)
  }

  #warm(ms: number): void {
    this.#heat = { ms: this.#heatNow() + ms, at: this.#clock.now }
  }

  #heatNow(): number {
    return this.#heat.ms * 0.5 ** ((this.#clock.now - this.#heat.at) / device.heat.halfLifeMs)
  }
}
