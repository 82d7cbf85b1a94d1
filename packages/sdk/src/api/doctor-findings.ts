/** What the doctor says of each finding. `{…}` is filled in with what was found; `docs/doctor.md` has the same sentences. */
import type { Finding, FindingCode } from '../contract/index.js'

type Text = Omit<Finding, 'code'>

export const findingTexts: Readonly<Record<FindingCode, Text>> = {
  'insecure-context': {
    severity: 'error',
    problem: 'This page is no secure context: models can be neither verified nor kept, and there is no WebGPU.',
    remedy: 'Serve it over HTTPS, or from localhost.',
  },
  'not-isolated': {
    severity: 'warning',
    problem: 'This page is not cross-origin isolated: WebAssembly runs on one of {cores} cores.',
    remedy:
      'Send the page and `worker.js` with `Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy: require-corp`. Then files of other origins need CORS or `Cross-Origin-Resource-Policy: cross-origin`, frames need the same headers, and a popup of another origin (a login, a payment) can no longer talk to the page.',
  },
  'wasm-missing': {
    severity: 'error',
    problem: 'This browser has no WebAssembly: nothing runs on this device.',
    remedy: 'Give the client an endpoint (`remote`). Some browsers switch WebAssembly off in a lockdown mode.',
  },
  'wasm-blocked': {
    severity: 'error',
    problem: "This page's Content-Security-Policy forbids WebAssembly: nothing runs on this device.",
    remedy: "Add `'wasm-unsafe-eval'` to `script-src`.",
  },
  'save-data': {
    severity: 'hint',
    problem: 'The user asked the browser to save data: models are downloaded only where no endpoint can answer.',
    remedy: "Nothing is wrong. The policy `saveData: 'off'` downloads them all the same.",
  },
  'worker-blocked': {
    severity: 'error',
    problem: "This page's Content-Security-Policy forbids the worker {url}: nothing runs on this device.",
    remedy: "Add `worker-src 'self'`; when the SDK comes from another origin, that origin and `blob:` too.",
  },
  'worker-failed': {
    severity: 'error',
    problem: 'The worker did not start: {why}',
    remedy:
      "Serve `worker.js` of Edgeward's `dist/` folder beside the SDK's own script, as `Content-Type: text/javascript`, or say where it is with the option `workerUrl`. On a cross-origin isolated page it needs `Cross-Origin-Embedder-Policy: require-corp` too.",
  },
  'runtime-missing': {
    severity: 'error',
    problem: "ONNX Runtime's file {url} cannot be had: {found}.",
    remedy: "Serve Edgeward's `dist/` folder as it is, with its folder `ort/`.",
  },
  'runtime-wrong-type': {
    severity: 'warning',
    problem: "ONNX Runtime's file {url} is served as {found}: it cannot be compiled while it is downloaded.",
    remedy: 'Serve files named `.wasm` with `Content-Type: application/wasm`.',
  },
  'runtime-uncompressed': {
    severity: 'warning',
    problem: "ONNX Runtime's file {url} is served without compression: about four times the bytes.",
    remedy: 'Have files named `.wasm` compressed with Brotli or gzip: `Content-Encoding: br`.',
  },
  'runtime-not-cached': {
    severity: 'warning',
    problem:
      "ONNX Runtime's file {url} is not kept by the browser for long ({found}): it is downloaded again and again.",
    remedy:
      'Serve it with `Cache-Control: public, max-age=31536000, immutable`, at an address that changes with the version, as bundlers make it.',
  },
  'no-webgpu': {
    severity: 'hint',
    problem: 'The browser offers no GPU: models run on the CPU.',
    remedy: 'Nothing is wrong with the page. A newer browser, or hardware acceleration in its settings, may offer one.',
  },
  'software-gpu': {
    severity: 'hint',
    problem: 'The GPU that the browser offers is software, slower than WebAssembly: models run on the CPU.',
    remedy: 'Nothing is wrong with the page. A newer driver, or hardware acceleration in the settings, may help.',
  },
  'no-shader-f16': {
    severity: 'hint',
    problem: 'The GPU does not compute in half precision (`shader-f16`): variants `fp16` and `q4f16` are not used.',
    remedy: 'Offer a variant `q4` or `fp32` of models that are to run on such GPUs.',
  },
  'no-database': {
    severity: 'warning',
    problem: 'This page has no IndexedDB: models are downloaded again with every visit.',
    remedy:
      'A private window or a browser setting (cookies blocked) may forbid it. A frame of another origin may ask for it: `document.requestStorageAccess()`.',
  },
  'not-persisted': {
    severity: 'hint',
    problem: 'The browser may delete cached models when space runs short.',
    remedy:
      'Edgeward asks for `navigator.storage.persist()` when the first model is cached. Browsers grant it to sites that are installed, bookmarked or often used.',
  },
  'quota-too-small': {
    severity: 'warning',
    problem: 'The models of this page take {bytes} MB, but it may store only {quota} MB.',
    remedy:
      'Pack smaller variants, or make room with `models.remove()`. A private window lets pages store little; on a full disk, so does any.',
  },
  'model-unreachable': {
    severity: 'error',
    problem: 'There is no answer from {url}.',
    remedy:
      'See whether the address is right, the server runs, and `connect-src` of the Content-Security-Policy has it. A server of another origin must allow this page: `Access-Control-Allow-Origin: *`.',
  },
  'model-blocked': {
    severity: 'error',
    problem: 'The server of {url} does not let this page read it (CORS).',
    remedy: 'Have it send `Access-Control-Allow-Origin: *`, or the origin of this page.',
  },
  'model-missing': {
    severity: 'error',
    problem: 'The file {url} cannot be had: {found}.',
    remedy: 'Upload the whole folder of the model, as the packing tool made it.',
  },
  'model-no-ranges': {
    severity: 'warning',
    problem: 'The server of {url} gives no parts of files: downloads have one lane, and what breaks begins anew.',
    remedy: 'Have it answer `Range` with `206 Partial Content`, as almost every file server and CDN can.',
  },
  'model-encoded': {
    severity: 'warning',
    problem:
      'The file {url} is sent with `Content-Encoding: {found}`: no parts of it can be asked for, and weights hardly shrink.',
    remedy:
      'Take `.onnx` files out of what the server or CDN compresses, with `Cache-Control: no-transform` for example.',
  },
  'model-not-cached': {
    severity: 'hint',
    problem:
      'The file {url} is sent with `Cache-Control: no-store`: where there is no IndexedDB, every visit downloads it.',
    remedy: 'Serve models with `Cache-Control: public, max-age=31536000, no-transform`.',
  },
  'endpoint-unreachable': {
    severity: 'error',
    problem: 'There is no answer from the endpoint {url}.',
    remedy:
      'See whether the address is right, the endpoint runs, and `connect-src` of the Content-Security-Policy has it. One of another origin must allow this page: `Access-Control-Allow-Origin`.',
  },
  'endpoint-blocked': {
    severity: 'error',
    problem: 'The endpoint {url} does not let this page read its answers (CORS).',
    remedy:
      'Have it send `Access-Control-Allow-Origin` with the origin of this page, and allow the headers that the client is given with `Access-Control-Allow-Headers`.',
  },
  'endpoint-not-ready': {
    severity: 'warning',
    problem: 'The endpoint {url} is not ready: {found}.',
    remedy: 'See why it does not answer `/v2/health/ready` with 200; for 401 and 403, see the option `remote.headers`.',
  },
  'endpoint-no-load-report': {
    severity: 'hint',
    problem: 'The endpoint {url} does not say how loaded it is: requests stay with it until it refuses them.',
    remedy:
      "Have it report its load in the header `endpoint-load-metrics` (ORCA), as Edgeward's endpoint, Triton and vLLM can, and let pages ask and read: `Access-Control-Allow-Headers: endpoint-load-metrics-format`, `Access-Control-Expose-Headers: endpoint-load-metrics, Retry-After`.",
  },
}

/** A finding, with its `{…}` filled in. */
export function finding(code: FindingCode, found: Readonly<Record<string, string | number>> = {}): Finding {
  const { severity, problem, remedy } = findingTexts[code]
  const filled = problem.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(found[name] ?? ''))
  return { code, severity, problem: filled, remedy }
}
