/** Speaks Open Inference Protocol v2 to one endpoint. */
import type { TensorMap } from '../../contract/index.js'
import { EdgewardError, isEdgewardError } from '../../errors/index.js'
import { answerError, isSuccess } from '../answer-error.js'
import { Endpoint, type EndpointAnswer } from '../endpoint.js'
import { loadFormatHeader, readLoadReport, type OnLoad } from '../load-report.js'
import { remoteDefaults, type OipRemoteOptions } from '../options.js'
import { decodeInferResponse } from './decode-message.js'
import { encodeInferRequest, jsonBytesHeader } from './encode-message.js'
import { Manners, type Manner } from './manners.js'
import { decodeModelMetadata, type ModelMetadata } from './metadata.js'

export interface InferOptions {
  readonly signal: AbortSignal
  /** The outputs wanted; all when absent. */
  readonly outputs?: readonly string[]
  /** When the answer is worth nothing any more, by `performance.now()`; the endpoint is told how long that is. */
  readonly deadlineAt?: number
}

const readyPath = '/v2/health/ready'
/** What servers say that want credentials first, or do not have the address. */
const silentAbout: readonly number[] = [401, 403, 404, 405, 501]

export class OipClient {
  readonly #endpoint: Endpoint
  readonly #manners: Manners
  readonly #onLoad: OnLoad | undefined

  constructor(options: OipRemoteOptions, onLoad?: OnLoad) {
    const { binary = remoteDefaults.binary, loadReports = remoteDefaults.loadReports } = options
    this.#endpoint = new Endpoint(options)
    this.#manners = new Manners({ binary, asksLoad: loadReports && onLoad !== undefined })
    this.#onLoad = onLoad
  }

  get url(): string {
    return this.#endpoint.url
  }

  /** Whether the endpoint says that it is ready; judged by the status alone, since bodies differ. */
  ready(signal: AbortSignal): Promise<boolean> {
    return this.#isReady(readyPath, signal)
  }

  /** As {@link ready}; but where the endpoint says nothing of it, or not to this page, a request will show. */
  async mayBeReady(signal: AbortSignal): Promise<boolean> {
    try {
      const answer = await this.#endpoint.request({ method: 'GET', path: readyPath }, signal)
      return isSuccess(answer) || silentAbout.includes(answer.status)
    } catch (error) {
      if (isEdgewardError(error) && error.details['reason'] === 'cors') return true
      throw error
    }
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
   * @throws EdgewardError with one of the `REMOTE_…` codes, `UNSUPPORTED_DTYPE`, `DEADLINE_EXCEEDED`, or `INVALID_INPUT`
   * for tensors that contradict themselves; `signal.reason` when aborted.
   */
  infer(model: string, inputs: TensorMap, options: InferOptions): Promise<TensorMap> {
    return this.#infer({ model, inputs, options }, this.#manners.first())
  }

  async #infer(call: InferCall, manner: Manner): Promise<TensorMap> {
    try {
      const outputs = await this.#exchange(call, manner)
      this.#manners.worked(manner)
      return outputs
    } catch (failure) {
      const instead = this.#manners.instead(manner, failure)
      if (instead === undefined) throw failure
      return await this.#infer(call, instead).catch((later: unknown) => {
        // Triton and KServe refuse FP16 in JSON whatever was wrong before: then their first word tells more.
        throw manner.binary && !instead.binary && hasFloat16(call) && isEdgewardError(later) ? failure : later
      })
    }
  }

  async #exchange({ model, inputs, options }: InferCall, { binary, asksLoad }: Manner): Promise<TensorMap> {
    const { outputs: wanted, signal, deadlineAt } = options
    const timing = deadlineAt === undefined ? {} : { timeoutMs: deadlineAt - performance.now() }
    const message = encodeInferRequest({ inputs, ...(wanted && { outputs: wanted }), ...timing }, { binary })
    const answer = await this.#endpoint.request(
      {
        method: 'POST',
        path: `${modelPath(model)}/infer`,
        body: message.body,
        headers: asksLoad ? { ...message.headers, [loadFormatHeader]: 'json' } : message.headers,
        ...(deadlineAt !== undefined && { deadlineAt }),
      },
      signal,
    )
    const load = this.#onLoad && readLoadReport(answer.headers)
    if (load) this.#onLoad?.(this.url, load)
    if (!isSuccess(answer)) throw answerError(answer)
    const { modelName, outputs } = decodeInferResponse(answer.body, jsonBytes(answer))
    if (!isSameModel(modelName, model)) {
      throw new EdgewardError('REMOTE_MALFORMED', `${answer.url} answered for another model, '${modelName}'`, {
        details: { url: answer.url, modelName },
      })
    }
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

interface InferCall {
  readonly model: string
  readonly inputs: TensorMap
  readonly options: InferOptions
}

/** Seldon Core puts the version behind the name: `iris_1`. */
function isSameModel(answered: string, asked: string): boolean {
  return answered === asked || (answered.startsWith(`${asked}_`) && /^\d+$/.test(answered.slice(asked.length + 1)))
}

function modelPath(model: string): string {
  // URLs resolve these two even when they are encoded.
  if (/^\.{0,2}$/.test(model)) throw new EdgewardError('INVALID_INPUT', `'${model}' cannot be the name of a model`)
  return `/v2/models/${encodeURIComponent(model)}`
}

function hasFloat16({ inputs }: InferCall): boolean {
  return Object.values(inputs).some(({ dtype }) => dtype === 'float16')
}

function jsonBytes({ headers }: EndpointAnswer): number | undefined {
  const header = headers.get(jsonBytesHeader)
  return header === null ? undefined : Number(header)
}
