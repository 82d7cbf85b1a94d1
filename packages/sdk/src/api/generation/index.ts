/** Text generation on the page: loaded when the first text is asked for. */
import type { GenerateRequest } from '../options.js'
import type { Generating } from '../generation-stream.js'
import type { StreamingParts } from '../requests.js'
import { splitRequest } from './check-options.js'
import { generateParts } from './generate.js'
import { streamRequest } from './stream-request.js'

/** @param signalOf - the caller's signal, which also aborts when the client is disposed */
export function generate(
  parts: StreamingParts,
  model: string,
  request: GenerateRequest,
  signalOf: (options: { readonly signal?: AbortSignal }) => AbortSignal,
): Generating {
  const { input, options, requestOptions } = splitRequest(request)
  const signal = signalOf(requestOptions)
  return generateParts(
    (one, seeded) => streamRequest(parts, { model, input: one, options: seeded, requestOptions, signal }),
    input,
    options,
  )
}
