/** Text generation on the page: loaded when the first text is asked for. */
import type { GenerateRequest } from '../options.js'
import type { Generating } from '../generation-stream.js'
import type { StreamingParts } from '../requests.js'
import { splitRequest } from './check-options.js'
import { generateParts } from './generate.js'
import { streamRequest } from './stream-request.js'

/**
 * @param signalOf - the caller's signal, which also aborts when the client is disposed
 * @param leaving - aborts when nobody reads any more
 */
export function generate(
  parts: StreamingParts,
  model: string,
  request: GenerateRequest,
  signalOf: (options: { readonly signal?: AbortSignal }) => AbortSignal,
  leaving: AbortSignal,
): Generating {
  const { input, options, requestOptions } = splitRequest(request)
  return generateParts(
    (one, seeded, signal) => streamRequest(parts, { model, input: one, options: seeded, requestOptions, signal }),
    input,
    options,
    AbortSignal.any([signalOf(requestOptions), leaving]),
  )
}
