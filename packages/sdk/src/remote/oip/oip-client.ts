/** Speaks Open Inference Protocol v2 to one endpoint. */
import type { TensorMap } from '../../contract/index.js'
import { EdgewardError, isEdgewardError } from '../../errors/index.js'
import { answerError, isSuccess } from '../answer-error.js'
import { Endpoint, type EndpointAnswer } from '../endpoint.js'
import { remoteDefaults, type RemoteOptions } from '../options.js'
import { decodeInferResponse } from './decode-message.js'
import { encodeInferRequest, jsonBytesHeader } from './encode-message.js'
import { decodeModelMetadata, type ModelMetadata } from './metadata.js'

export interface InferOptions {
  readonly signal: AbortSignal
  /** The outputs wanted; all when absent. */
  readonly outputs?: readonly string[]
}

/** Whether an endpoint takes tensors as bytes: `untried` until one answered, or refused what it then took as JSON. */
type BinarySupport = 'untried' | 'accepted' | 'refused'

export class OipClient {
  readonly #endpoint: Endpoint
  #binary: BinarySupport

  constructor(options: RemoteOptions) {
    this.#endpoint = new Endpoint(options)
    this.#binary = (options.binary ?? remoteDefaults.binary) ? 'untried' : 'refused'
  }

  get url(): string {
    return this.#endpoint.url
  }

  /** Whether the endpoint says that it is ready; judged by the status alone, since bodies differ. */
  ready(signal: AbortSignal): Promise<boolean> {
    return this.#isReady('/v2/health/ready', signal)
  }

  /** Whether the endpoint says that the model is ready; false also for a model that it does not have. */
  modelReady(model: string, signal: AbortSignal): Promise<boolean> {
    return this.#isReady(`${modelPath(model)}/ready`, signal)
  }

  /** What the endpoint says about a model. */
  async metadata(model: string, signal: AbortSignal): Promise<ModelMetadata> {
    const answer = await this.#endpoint.request({ method: 'GET', path: modelPath(model) }, signal)
    if (!isSuccess(answer)) throw answerError(answer)
    return decodeModelMetadata(answer.body)
  }

  /**
   * Runs a model.
   *
   * @throws EdgewardError with one of the `REMOTE_…` codes, `UNSUPPORTED_DTYPE`, or `INVALID_INPUT` for tensors that
   * contradict themselves; `signal.reason` when aborted.
   */
  async infer(model: string, inputs: TensorMap, options: InferOptions): Promise<TensorMap> {
    if (this.#binary === 'refused') return this.#exchange(model, inputs, options, false)
    try {
      const outputs = await this.#exchange(model, inputs, options, true)
      this.#binary = 'accepted'
      return outputs
    } catch (refusal) {
      if (this.#binary === 'accepted' || !mayRefuseBinary(refusal)) throw refusal
      return await this.#retryAsJson(model, inputs, options, refusal)
    }
  }

  async #retryAsJson(model: string, inputs: TensorMap, options: InferOptions, refusal: unknown): Promise<TensorMap> {
    try {
      const outputs = await this.#exchange(model, inputs, options, false)
      this.#binary = 'refused'
      return outputs
    } catch (error) {
      // Triton and KServe refuse FP16 in JSON whatever was wrong before: then their first word tells more.
      const hasFloat16 = Object.values(inputs).some(({ dtype }) => dtype === 'float16')
      throw hasFloat16 && isEdgewardError(error) ? refusal : error
    }
  }

  async #exchange(model: string, inputs: TensorMap, options: InferOptions, binary: boolean): Promise<TensorMap> {
    const { outputs: wanted, signal } = options
    const message = encodeInferRequest({ inputs, ...(wanted && { outputs: wanted }) }, { binary })
    const answer = await this.#endpoint.request(
      { method: 'POST', path: `${modelPath(model)}/infer`, ...message },
      signal,
    )
    if (!isSuccess(answer)) throw answerError(answer)
    const { outputs } = decodeInferResponse(answer.body, jsonBytes(answer))
    const missing = wanted?.find((name) => !Object.hasOwn(outputs, name))
    if (missing === undefined) return outputs
    throw new EdgewardError('REMOTE_MALFORMED', `${answer.url} answered without the output '${missing}'`, {
      details: { url: answer.url, outputs: Object.keys(outputs) },
    })
  }

  async #isReady(path: string, signal: AbortSignal): Promise<boolean> {
    const answer = await this.#endpoint.request({ method: 'GET', path }, signal)
    if (isSuccess(answer)) return true
    const error = answerError(answer)
    if (error.code === 'REMOTE_UNAUTHORIZED') throw error
    return false
  }
}

function modelPath(model: string): string {
  // URLs resolve these two even when they are encoded.
  if (/^\.{0,2}$/.test(model)) throw new EdgewardError('INVALID_INPUT', `'${model}' cannot be the name of a model`)
  return `/v2/models/${encodeURIComponent(model)}`
}

/**
 * Whether a failure of the first request with bytes may mean that the server does not take them. KServe and MLServer
 * say 400, 415, 422 or 500; in a page, their answer often has no CORS headers and shows as a network error.
 */
function mayRefuseBinary(error: unknown): boolean {
  if (!isEdgewardError(error)) return false
  const { code, details } = error
  // Absent where it was only the time that ran out.
  if (code === 'REMOTE_UNREACHABLE') return details['offline'] === false
  return [400, 415, 422, 500].includes(Number(details['status'])) && code !== 'REMOTE_NOT_FOUND'
}

function jsonBytes({ headers }: EndpointAnswer): number | undefined {
  const header = headers.get(jsonBytesHeader)
  return header === null ? undefined : Number(header)
}
