/** Probing: whatever the browser does, the answer comes, and in time. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { defaultThreads, probeCapabilities } from '../../../packages/sdk/src/device/index.js'
import { probeDeadlineMs, withinDeadline } from '../../../packages/sdk/src/device/probe.js'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const adapter = {
  info: { vendor: 'nvidia', architecture: 'ampere', isFallbackAdapter: false },
  features: new Set(['shader-f16']),
  limits: { maxBufferSize: 1024, maxStorageBufferBindingSize: 512 },
}
const withAdapter = (found: unknown) => ({ gpu: { requestAdapter: () => Promise.resolve(found) } })

describe('a probe', () => {
  it('gives what it finds', async () => {
    expect(await withinDeadline(() => Promise.resolve('found'), 'otherwise')).toBe('found')
  })

  it.each([
    ['rejects', () => Promise.reject(new Error('broken driver'))],
    [
      'throws at once',
      () => {
        throw new TypeError('no such method')
      },
    ],
  ])('that %s means that the feature is not there', async (_how, probe: () => Promise<string>) => {
    expect(await withinDeadline(probe, 'otherwise')).toBe('otherwise')
  })

  it('that is late means that the feature is not there, whatever it says afterwards', async () => {
    vi.useFakeTimers()
    const late = () => new Promise<string>((_resolve, reject) => setTimeout(() => reject(new Error('late')), 5_000))
    const probing = withinDeadline(late, 'otherwise')
    await vi.advanceTimersByTimeAsync(probeDeadlineMs)
    expect(await probing).toBe('otherwise')
    await vi.runAllTimersAsync()
  })

  it('leaves no timer behind', async () => {
    vi.useFakeTimers()
    await withinDeadline(() => Promise.resolve('found'), 'otherwise')
    await Promise.resolve()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the capabilities', () => {
  it('are those of Node where there is no browser', async () => {
    const capabilities = await probeCapabilities()
    expect(capabilities).toMatchObject({
      wasm: { simd: true },
      workers: false,
      crossOriginIsolated: false,
      secureContext: false,
      storage: { indexedDb: false, persisted: false },
      saveData: false,
    })
    expect(capabilities).not.toHaveProperty('webgpu')
    expect(capabilities.cores).toBeGreaterThanOrEqual(1)
  })

  it('name the adapter and what it can do', async () => {
    vi.stubGlobal('navigator', { ...withAdapter(adapter), hardwareConcurrency: 8, deviceMemory: 4 })
    expect(await probeCapabilities()).toMatchObject({
      webgpu: {
        vendor: 'nvidia',
        architecture: 'ampere',
        isFallbackAdapter: false,
        shaderF16: true,
        maxBufferBytes: 1024,
        maxStorageBufferBindingBytes: 512,
      },
      cores: 8,
      deviceMemoryGiB: 4,
    })
  })

  it('know a software adapter by its flag or by its name', async () => {
    for (const info of [
      { vendor: 'google', architecture: 'swiftshader', isFallbackAdapter: false },
      { vendor: 'microsoft', architecture: '', isFallbackAdapter: true },
    ]) {
      vi.stubGlobal('navigator', withAdapter({ ...adapter, info }))
      expect((await probeCapabilities()).webgpu).toMatchObject({ isFallbackAdapter: true })
    }
  })

  it('lack WebGPU where there is no adapter, or where asking for it fails', async () => {
    const broken = { gpu: { requestAdapter: () => Promise.reject(new Error('broken driver')) } }
    for (const navigator of [withAdapter(null), broken, {}]) {
      vi.stubGlobal('navigator', navigator)
      expect(await probeCapabilities()).not.toHaveProperty('webgpu')
    }
  })

  it('lack WebGPU where the driver does not answer, and come all the same', async () => {
    vi.useFakeTimers()
    vi.stubGlobal('navigator', { gpu: { requestAdapter: () => new Promise(() => undefined) } })
    const probing = probeCapabilities()
    await vi.advanceTimersByTimeAsync(probeDeadlineMs)
    expect(await probing).not.toHaveProperty('webgpu')
  })

  it('lack WebAssembly where it is missing or may not be compiled', async () => {
    vi.stubGlobal('WebAssembly', undefined)
    expect(await probeCapabilities()).not.toHaveProperty('wasm')
    const Module = vi.fn(function forbidden() {
      throw new EvalError("'unsafe-eval' is not allowed")
    })
    vi.stubGlobal('WebAssembly', { Module, validate: () => true })
    expect(await probeCapabilities()).not.toHaveProperty('wasm')
  })

  it('tell what may be stored', async () => {
    vi.stubGlobal('indexedDB', {})
    const storage = {
      estimate: () => Promise.resolve({ usage: 10, quota: 1000 }),
      persisted: () => Promise.resolve(true),
    }
    vi.stubGlobal('navigator', { storage })
    const capabilities = await probeCapabilities()
    expect(capabilities.storage).toEqual({ indexedDb: true, usageBytes: 10, quotaBytes: 1000, persisted: true })
  })

  it('come also where the user forbids storage', async () => {
    const refused = () => Promise.reject(new DOMException('forbidden', 'SecurityError'))
    vi.stubGlobal('navigator', { storage: { estimate: refused, persisted: refused } })
    Object.defineProperty(globalThis, 'indexedDB', {
      configurable: true,
      get: () => {
        throw new DOMException('forbidden', 'SecurityError')
      },
    })
    try {
      expect((await probeCapabilities()).storage).toEqual({ indexedDb: false, persisted: false })
    } finally {
      Reflect.deleteProperty(globalThis, 'indexedDB')
    }
  })
})

describe('the threads of a session', () => {
  it.each([
    [true, 2, 2],
    [true, 16, 4],
    [false, 16, 1],
  ])('where isolated is %s with %i cores are %i', (crossOriginIsolated, hardwareConcurrency, threads) => {
    vi.stubGlobal('crossOriginIsolated', crossOriginIsolated)
    vi.stubGlobal('navigator', { hardwareConcurrency })
    expect(defaultThreads()).toBe(threads)
  })
})
