/** The doctor: what it finds without asking anybody, and what is written of its findings. */
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { diagnose, type DoctorFacts } from '../../../packages/sdk/src/api/doctor.js'
import { findingTexts } from '../../../packages/sdk/src/api/doctor-findings.js'
import type { Capabilities, FindingCode } from '../../../packages/sdk/src/contract/index.js'

const good: Capabilities = {
  webgpu: {
    vendor: 'v',
    architecture: 'a',
    isFallbackAdapter: false,
    shaderF16: true,
    maxBufferBytes: 2 ** 30,
    maxStorageBufferBindingBytes: 2 ** 30,
  },
  wasm: { simd: true, relaxedSimd: true, threads: true, jspi: true },
  workers: true,
  cores: 8,
  crossOriginIsolated: true,
  secureContext: true,
  storage: { indexedDb: true, persisted: true, quotaBytes: 1e9 },
  saveData: false,
}

afterEach(() => {
  vi.unstubAllGlobals()
})

/** The findings of a client without a device, which asks nobody. */
async function codesOf(capabilities: Partial<Capabilities>, changes: Partial<DoctorFacts> = {}) {
  const facts: DoctorFacts = {
    capabilities: { ...good, ...capabilities },
    policy: { residency: 'any', offline: false },
    device: false,
    models: [],
    endpoints: [],
    locateRuntime: () => Promise.reject(new Error('not asked')),
    ...changes,
  }
  return (await diagnose(facts)).map(({ code }) => code)
}

function without(lacking: 'webgpu' | 'wasm'): Capabilities {
  return Object.fromEntries(Object.entries(good).filter(([name]) => name !== lacking)) as unknown as Capabilities
}

/** A model of this size, without the rest of its manifest. */
function modelOf(bytes: number): DoctorFacts['models'][number] {
  const file = { path: 'model.onnx', bytes, sha256: '', chunks: [] }
  const graphs = { model: { file, inputs: [], outputs: [] } }
  const manifest = { id: 'm', assets: {}, variants: [{ dtype: 'fp32', backends: ['wasm'], graphs }] }
  return { manifest, manifestUrl: 'https://models.example/m/manifest.json' } as unknown as DoctorFacts['models'][number]
}

describe('the doctor', () => {
  it('finds nothing on a device and a page that lack nothing', async () => {
    expect(await codesOf({})).toEqual([])
  })

  it.each<[FindingCode, Partial<Capabilities>]>([
    ['insecure-context', { secureContext: false }],
    ['not-isolated', { crossOriginIsolated: false }],
    ['save-data', { saveData: true }],
    ['no-database', { storage: { indexedDb: false, persisted: false } }],
    ['not-persisted', { storage: { indexedDb: true, persisted: false } }],
    ['software-gpu', { webgpu: { ...good.webgpu!, isFallbackAdapter: true } }],
    ['no-shader-f16', { webgpu: { ...good.webgpu!, shaderF16: false } }],
  ])('finds %s', async (code, capabilities) => {
    expect(await codesOf(capabilities)).toEqual([code])
  })

  it('finds that there is no GPU', async () => {
    expect(await codesOf({}, { capabilities: without('webgpu') })).toEqual(['no-webgpu'])
  })

  it('tells a browser without WebAssembly from a page that forbids it', async () => {
    expect(await codesOf({}, { capabilities: without('wasm') })).toEqual(['wasm-blocked'])
    vi.stubGlobal('WebAssembly', undefined)
    expect(await codesOf({}, { capabilities: without('wasm') })).toEqual(['wasm-missing'])
  })

  it('does not ask for isolation where there is one core', async () => {
    expect(await codesOf({ crossOriginIsolated: false, cores: 1 })).toEqual([])
  })

  it('finds that models take more than the page may store', async () => {
    const models = [modelOf(6e8), modelOf(6e8)]
    expect(await codesOf({}, { models })).toEqual(['quota-too-small'])
  })

  it('names the worst first', async () => {
    const capabilities = { secureContext: false, crossOriginIsolated: false, saveData: true }
    expect(await codesOf(capabilities)).toEqual(['insecure-context', 'not-isolated', 'save-data'])
  })

  it('asks nobody when requests are forbidden, and no endpoint when data must stay', async () => {
    const fetched = vi.fn(() => Promise.reject(new Error('no network')))
    vi.stubGlobal('fetch', fetched)
    vi.stubGlobal('document', new EventTarget())
    vi.stubGlobal('location', new URL('https://page.example/'))
    const endpoints = [{ url: 'https://endpoint.example' }]
    const asked = { endpoints, models: [modelOf(1)], device: true, locateRuntime: () => Promise.resolve('/ort.wasm') }
    await codesOf({}, { ...asked, policy: { residency: 'any', offline: true } })
    expect(fetched).not.toHaveBeenCalled()
    await codesOf({}, { ...asked, policy: { residency: 'local-only', offline: false } })
    const urls = fetched.mock.calls.map(([url]: readonly unknown[]) => String(url))
    expect(urls).not.toContainEqual(expect.stringContaining('endpoint.example'))
    expect(urls.length).toBeGreaterThan(0)
  })

  it('asks an endpoint of OpenAI’s protocol for its models, and expects no report of its load', async () => {
    const fetched = vi.fn(async (url: URL | string) =>
      String(url) === 'https://endpoint.example/v1/models' ? new Response('{}') : new Response('', { status: 404 }),
    )
    vi.stubGlobal('fetch', fetched)
    vi.stubGlobal('location', new URL('https://page.example/'))
    const endpoints = [{ protocol: 'openai' as const, url: 'https://endpoint.example/v1' }]
    const found = await codesOf(
      {},
      { endpoints, models: [], device: false, locateRuntime: () => Promise.resolve('/x') },
    )
    expect(found.filter((code) => code.startsWith('endpoint'))).toEqual([])
    const wrong = [{ protocol: 'openai' as const, url: 'https://endpoint.example' }]
    const missing = await codesOf(
      {},
      { endpoints: wrong, models: [], device: false, locateRuntime: () => Promise.resolve('/x') },
    )
    expect(missing).toContain('endpoint-not-ready')
  })
})

describe('docs/doctor.md', () => {
  const guide = readFileSync('docs/doctor.md', 'utf8')
  const described = [...guide.matchAll(/^### `([\w-]+)` \((\w+)\)\n\n(.*)\n\n(.*)$/gm)]

  it('has every finding as the code has it', () => {
    const written = described.map(([, code, severity, problem, remedy]) => [code, { severity, problem, remedy }])
    expect(Object.fromEntries(written)).toEqual(findingTexts)
  })
})
