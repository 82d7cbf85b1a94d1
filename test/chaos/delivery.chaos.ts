/** Failures of how the page, its worker and ONNX Runtime reach the browser. */
import { expect, failure, recovers } from './support/failure.js'
import { answersPage } from './support/misbehaviour.js'
import { codesOf, placesOf, type Outcome } from './support/outcome.js'
import { startSite } from './support/site.js'

const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

failure(
  {
    row: 13,
    name: 'The page is not isolated: no COOP and COEP headers',
    user: 'answers, more slowly on several cores',
    edgeward: 'runs on one thread and plans with that speed; `doctor()` says which headers are missing',
    injected: 'Chromium: the second visit comes without the headers',
  },
  async (world) => {
    const visit = await world.visit()
    await visit.ask()
    expect((await visit.call('doctor')).map(({ code }) => code)).not.toContain('not-isolated')
    world.site.headers = {}
    await visit.open()
    const during = await visit.ask()
    expect([placesOf(during), codesOf(during)]).toEqual([['wasm'], []])
    expect(await visit.call('capabilities')).toMatchObject({ crossOriginIsolated: false, wasm: { threads: false } })
    expect((await visit.call('doctor')).map(({ code }) => code)).toContain('not-isolated')
    world.heal()
    await visit.open()
    await recovers(visit, 'wasm')
  },
)

failure(
  {
    row: 15,
    name: 'A Content-Security-Policy forbids WebAssembly, or workers from blobs',
    user: 'answers from the endpoint; from the device where only blobs are forbidden',
    edgeward:
      'starts its worker from the page’s own server; without `wasm-unsafe-eval` it rules the device out, and `doctor()` says what to add',
    injected: 'Chromium: two policies in the headers of the page and its scripts',
  },
  async (world) => {
    const visit = await world.visit()
    await visit.ask()
    const allowing = (script: string) => ({
      ...isolation,
      'Content-Security-Policy': `default-src 'self'; script-src 'self' ${script}; worker-src 'self'; connect-src 'self' http:`,
    })
    world.site.headers = allowing('')
    await visit.open()
    const withoutWasm = await visit.ask()
    expect([placesOf(withoutWasm), codesOf(withoutWasm)]).toEqual([['endpoint'], []])
    expect((await visit.call('doctor')).map(({ code }) => code)).toContain('wasm-blocked')
    world.site.headers = allowing("'wasm-unsafe-eval'")
    await visit.open()
    const withoutBlobs = await visit.ask()
    expect([placesOf(withoutBlobs), codesOf(withoutBlobs)]).toEqual([['wasm'], []])
    world.heal()
    await visit.open()
    await recovers(visit, 'wasm')
  },
)

failure(
  {
    row: 16,
    name: 'The worker’s script is on another origin, and blocked',
    user: 'answers from the endpoint',
    edgeward:
      'notices at once that the worker cannot start; with `workerUrl` on the page’s own server the device answers',
    injected: 'Chromium: the SDK comes from a second server, and `worker-src` names the page’s own only',
  },
  async (world) => {
    const cdn = await startSite()
    try {
      const sdk = `${cdn.url}/sdk/index.js`
      const visit = await world.visit({ sdk })
      await visit.ask({ tensors: 3 })
      const policy = `script-src 'self' 'wasm-unsafe-eval' ${cdn.url}; worker-src 'self'`
      world.site.headers = { ...isolation, 'Content-Security-Policy': policy }
      await visit.open({ sdk })
      // Texts are made into tensors by the worker.
      const during = await visit.ask({ tensors: 3 })
      expect([placesOf(during), codesOf(during)]).toEqual([['endpoint'], []])
      const { ruledOut } = await visit.call('explain', 'tiny-mlp')
      expect(ruledOut.map(({ code }) => code)).toEqual(['WORKER_UNAVAILABLE'])
      await visit.open({ sdk, workerUrl: '/sdk/worker.js' })
      await recovers(visit, 'wasm')
    } finally {
      await cdn.close()
    }
  },
)

failure(
  {
    row: 17,
    name: 'The server answers a page instead of ONNX Runtime’s wasm',
    user: 'answers from the endpoint',
    edgeward: 'checks the file’s digest before anything of it runs; the error names the address and what came',
    injected: 'Chromium: status 200 with HTML, as single-page applications answer for what they do not have',
  },
  async (world) => {
    const visit = await world.visit()
    await visit.ask()
    world.site.misbehave(/\/ort\/[^?]*\.wasm(\?|$)/, answersPage())
    await visit.open()
    const during = await visit.ask()
    expect([placesOf(during), codesOf(during)]).toEqual([['endpoint'], ['RUNTIME_FAILED']])
    const [told] = await visit.events('fallback')
    expect(told?.attempt.message).toMatch(
      /ort-wasm-simd-threaded\.wasm is not there: status 200, content type text\/html/,
    )
    world.heal()
    await recovers(visit, 'wasm')
  },
)

failure(
  {
    row: 30,
    name: 'A service worker, which has no workers and no WebGPU',
    user: 'tensors are answered by the endpoint',
    edgeward: 'rules the device out before anything is fetched, and says why',
    injected: 'Chromium: a client in a module service worker',
  },
  async (world) => {
    const visit = await world.visit()
    await visit.ask({ tensors: 3 })
    const remote = { protocol: 'oip', url: world.endpoint.url }
    const message = { options: { remote, models: `${world.site.url}/models/` }, asked: { tensors: 3 } }
    const { outcomes, ruledOut } = await visit.evaluate<{ outcomes: Outcome[]; ruledOut: { code: string }[] }>(`
      navigator.serviceWorker.register('/chaos/service-worker.js', { type: 'module' }).then(async (registration) => {
        const worker = registration.installing ?? registration.waiting ?? registration.active
        const { port1, port2 } = new MessageChannel()
        const answer = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)))
        worker.postMessage(${JSON.stringify(message)}, [port2])
        return answer
      })`)
    world.outcomes.push(...outcomes)
    expect([placesOf(outcomes), codesOf(outcomes)]).toEqual([['endpoint'], []])
    expect(ruledOut.map(({ code }) => code)).toEqual(['DEVICE_UNSUPPORTED'])
    await recovers(visit, 'wasm')
  },
)
