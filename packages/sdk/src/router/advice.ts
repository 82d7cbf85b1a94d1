/** What the caller could do about placements that failed, or that were ruled out: one sentence a code. */
import type { ErrorCode, ErrorDetails } from '../errors/index.js'

interface Failure {
  readonly code: ErrorCode
  readonly details?: ErrorDetails
}

const brokenModel = 'Pack the model again and upload all of its files.'
const tooLarge = 'Use a smaller variant, a smaller input, or an endpoint.'
const brokenGraph =
  'Read the `cause`: the graph has an operator, or the input a shape, that this backend does not take.'

/** What is not here needs no advice, or its message has it. */
const byCode: { readonly [C in ErrorCode]?: string } = {
  MANIFEST_NOT_FOUND: "Check the model's name and the option `models`.",
  MANIFEST_INVALID: brokenModel,
  INTEGRITY: brokenModel,
  DOWNLOAD_FAILED: "Check the network and the models' address; what has arrived is kept.",
  MODEL_UNSUPPORTED: 'Use another build of the model, or an endpoint.',
  CONTEXT_OVERFLOW: "Shorten the chat, or let it slide (`contextOverflow: 'slide'`).",
  NOT_CACHED:
    'Allow the download (`offline`, `maxDownloadBytes`, `saveData`), or bring the model with `models.download()`.',
  DEVICE_UNSUPPORTED: 'Serve the page over HTTPS, or give the client an endpoint.',
  WORKER_UNAVAILABLE: "Check that `worker.js` is served, and `worker-src` in the page's Content-Security-Policy.",
  WORKER_DIED: tooLarge,
  OUT_OF_MEMORY: tooLarge,
  RUNTIME_FAILED: "Serve Edgeward's `dist/` folder as it is, `ort/` included.",
  SESSION_FAILED: brokenGraph,
  RUN_FAILED: brokenGraph,
  CANARY_FAILED: 'Update the browser or the GPU driver, or give the client an endpoint.',
  OUTPUT_INVALID: 'Check that the model is packed for this task.',
  GPU_LOST: 'Ask again: the next request gets a new GPU device.',
  QUEUE_FULL: 'Ask again when other requests have been answered, or raise `maxQueued`.',
  REMOTE_UNREACHABLE: "Check the endpoint's address, that it runs, and that it allows this page (CORS).",
  REMOTE_UNAUTHORIZED: 'Renew the credentials in `remote.headers`.',
  REMOTE_NOT_FOUND: "Check the model's name at the endpoint.",
  REMOTE_REJECTED: "Read the endpoint's own message.",
  REMOTE_FAILED: "Look into the endpoint's logs.",
  REMOTE_OVERLOADED: 'Ask again later, or give the endpoint more capacity.',
  REMOTE_MALFORMED: 'Check that the address is of an Open Inference Protocol v2 endpoint.',
  UNSUPPORTED_DTYPE: 'Use a model with float32 or float16 inputs and outputs.',
  INTERNAL: 'Please report this, with its `cause`.',
}

/** By `details.reason` of REMOTE_UNREACHABLE. */
const byReason: Readonly<Record<string, string>> = {
  offline: 'Ask again when this device is online.',
  cors: "Let the endpoint answer this page's origin (Access-Control-Allow-Origin).",
  permission: 'Have the user allow this site to reach devices on the local network.',
  'mixed-content': 'Give the endpoint an https address: this page may not ask http.',
  tls: "Renew the endpoint's certificate, or use the name that it is for.",
}

/** In the order of the failures, each sentence once. */
export function adviceFor(failures: readonly Failure[]): string[] {
  return [...new Set(failures.flatMap((failure) => adviceOn(failure) ?? []))]
}

function adviceOn({ code, details }: Failure): string | undefined {
  // The script is there; what the workers did killed them.
  if (code === 'WORKER_UNAVAILABLE' && details?.['remainingMs'] !== undefined) return byCode.WORKER_DIED
  const reason = code === 'REMOTE_UNREACHABLE' ? details?.['reason'] : undefined
  return (typeof reason === 'string' ? byReason[reason] : undefined) ?? byCode[code]
}
