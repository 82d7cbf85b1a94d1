/** The doctor finds each deployment mistake in real Chromium, against servers that make it. */
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { diagnose, type DoctorFacts } from '../../packages/sdk/src/api/doctor.js'
import type { Finding, FindingCode, ModelSource } from '../../packages/sdk/src/contract/index.js'
import { probeCapabilities } from '../../packages/sdk/src/device/index.js'
import { testClient } from './support/clients.js'
import type { Told } from './support/told-server.js'

/** An address of this page's origin that answers so. */
function here(told: Told): string {
  return `${location.origin}/told/${encodeURIComponent(JSON.stringify(told))}`
}

/** An address of another origin that answers so. */
function elsewhere(told: Told): string {
  return `${inject('toldServer')}/told/${encodeURIComponent(JSON.stringify(told))}`
}

const nobody = 'http://127.0.0.1:9'

const goodRuntime = {
  'Content-Type': 'application/wasm',
  'Content-Encoding': 'gzip',
  'Cache-Control': 'public, max-age=31536000, immutable',
}

/** A model of one file, in this folder. */
function modelIn(folder: string): ModelSource {
  const file = { path: 'model.onnx', bytes: 1, sha256: '', chunks: [] }
  const graphs = { model: { file, inputs: [], outputs: [] } }
  const manifest = { id: 'm', assets: {}, variants: [{ dtype: 'fp32', backends: ['wasm'], graphs }] }
  // What the doctor reads of it.
  return { manifest, manifestUrl: `${folder}/manifest.json` } as unknown as ModelSource
}

async function factsOf(changes: Partial<DoctorFacts>): Promise<DoctorFacts> {
  return {
    capabilities: await probeCapabilities(),
    policy: { residency: 'any', offline: false },
    device: true,
    models: [],
    endpoints: [],
    locateRuntime: () => Promise.resolve(here({ headers: goodRuntime })),
    ...changes,
  }
}

/** Hints about this browser are nobody's mistake. */
const ofThisBrowser: readonly FindingCode[] = ['no-webgpu', 'software-gpu', 'no-shader-f16', 'not-persisted']

async function mistakesOf(changes: Partial<DoctorFacts>): Promise<readonly FindingCode[]> {
  const findings = await diagnose(await factsOf(changes))
  return findings.map(({ code }) => code).filter((code) => !ofThisBrowser.includes(code))
}

describe('the doctor', () => {
  test('finds nothing wrong with a page that is deployed well', async () => {
    const model = modelIn(elsewhere({ ranges: true }))
    expect(await mistakesOf({ models: [model], endpoints: [{ url: inject('endpoint') }] })).toEqual([])
  })

  test.each<[FindingCode, string]>([
    ['runtime-missing', here({ status: 404 })],
    ['runtime-missing', here({ headers: { ...goodRuntime, 'Content-Type': 'text/html; charset=utf-8' } })],
    ['runtime-missing', `${nobody}/ort.wasm`],
    ['runtime-wrong-type', here({ headers: { ...goodRuntime, 'Content-Type': 'application/octet-stream' } })],
    ['runtime-uncompressed', here({ headers: { ...goodRuntime, 'Content-Encoding': 'identity' } })],
    ['runtime-not-cached', here({ headers: { ...goodRuntime, 'Cache-Control': 'no-cache' } })],
    ['runtime-not-cached', here({ headers: { ...goodRuntime, 'Cache-Control': 'max-age=600' } })],
  ])('finds %s, case %#', async (code, binary) => {
    expect(await mistakesOf({ locateRuntime: () => Promise.resolve(binary) })).toEqual([code])
  })

  test.each<[FindingCode, string]>([
    ['model-unreachable', nobody],
    ['model-blocked', elsewhere({ cors: false })],
    ['model-missing', elsewhere({ status: 404 })],
    ['model-missing', elsewhere({ headers: { 'Content-Type': 'text/html' } })],
    ['model-no-ranges', elsewhere({})],
    ['model-encoded', elsewhere({ ranges: true, headers: { 'Content-Encoding': 'gzip' } })],
    ['model-not-cached', elsewhere({ ranges: true, headers: { 'Cache-Control': 'no-store' } })],
  ])('finds %s, case %#', async (code, folder) => {
    expect(await mistakesOf({ models: [modelIn(folder)] })).toEqual([code])
  })

  test.each<[FindingCode, string]>([
    ['endpoint-unreachable', nobody],
    ['endpoint-blocked', elsewhere({ cors: false })],
    ['endpoint-not-ready', elsewhere({ status: 503 })],
    ['endpoint-no-load-report', elsewhere({ allowHeaders: 'content-type' })],
  ])('finds %s, case %#', async (code, url) => {
    expect(await mistakesOf({ endpoints: [{ url }] })).toEqual([code])
  })

  test('asks each server about one model only', async () => {
    const models = [modelIn(`${nobody}/one`), modelIn(`${nobody}/two`)]
    expect(await mistakesOf({ models })).toEqual(['model-unreachable'])
  })

  test('finds that the worker is not there', async () => {
    const findings = await testClient({ workerUrl: '/shipped/nothing.js' }).doctor()
    expect(findings.map(({ code }) => code)).toContain('worker-failed')
  })

  test('asks the worker that is shipped where the binary is, and looks at it', async () => {
    const findings = await testClient().doctor()
    const [found] = findings.filter(({ code }) => code === 'runtime-uncompressed')
    expect(found?.problem).toContain('/shipped/ort/ort-wasm-simd-threaded')
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
  })

  test('finds that an endpoint has told no load with its answers, and does not judge before there were any', async () => {
    const url = elsewhere({})
    expect(await mistakesOf({ endpoints: [{ url, reportsLoad: false }] })).toEqual(['endpoint-no-load-report'])
    expect(await mistakesOf({ endpoints: [{ url, reportsLoad: true }, { url }] })).toEqual([])
  })

  test.each<[FindingCode, string]>([
    ['worker-blocked', `script-src ${location.origin} 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'none'`],
    ['wasm-blocked', `script-src ${location.origin} 'unsafe-inline'`],
  ])('finds %s by the policy %s', async (code, policy) => {
    const findings = await findingsOfPage(policy)
    expect(findings.map((finding) => finding.code)).toContain(code)
    expect(findings.find((finding) => finding.code === code)?.problem).toMatch(/Content-Security-Policy forbids/)
  })
})

/** What the shipped doctor says in a page of its own, with this Content-Security-Policy. */
function findingsOfPage(policy: string): Promise<readonly Finding[]> {
  const frame = document.createElement('iframe')
  onTestFinished(() => frame.remove())
  frame.srcdoc = `<!doctype html><meta http-equiv="Content-Security-Policy" content="${policy}"><script type="module">
    import { createClient } from '${location.origin}/shipped/index.js'
    const edge = createClient({ workerUrl: '${location.origin}/shipped/worker.js' })
    parent.postMessage({ findings: await edge.doctor() }, '*')
    await edge.dispose()
  </script>`
  const told = new Promise<readonly Finding[]>((resolve) => {
    const onMessage = ({ source, data }: MessageEvent<{ readonly findings: readonly Finding[] }>) => {
      if (source === frame.contentWindow) resolve(data.findings)
    }
    window.addEventListener('message', onMessage)
    onTestFinished(() => window.removeEventListener('message', onMessage))
  })
  document.body.append(frame)
  return told
}
