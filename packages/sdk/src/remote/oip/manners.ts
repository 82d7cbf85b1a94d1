/** Finds out what an endpoint takes: tensors as bytes or as JSON, and the header that asks for its load. */
import { isEdgewardError, type EdgewardError } from '../../errors/index.js'

/** How one request is sent. */
export interface Manner {
  /** Tensors travel as bytes. */
  readonly binary: boolean
  /** The endpoint is asked for its load. */
  readonly asksLoad: boolean
}

/** `untried` until one request with it was answered, or one without it after that was refused. */
type Support = 'untried' | 'accepted' | 'refused'

/**
 * Begins with everything. What may have been refused is left out of the next try, one thing at a time; the header first,
 * because servers that do not know it are many, and their CORS refuses it.
 */
export class Manners {
  #binary: Support
  #load: Support

  constructor(wanted: Manner) {
    this.#binary = wanted.binary ? 'untried' : 'refused'
    this.#load = wanted.asksLoad ? 'untried' : 'refused'
  }

  /** For the first try of a request. */
  first(): Manner {
    return { binary: this.#binary !== 'refused', asksLoad: this.#load !== 'refused' }
  }

  /** A request has succeeded: what it came with is taken, also when a request beside it seemed to show otherwise. */
  worked({ binary, asksLoad }: Manner): void {
    // Without both, only bytes are known to be refused: the next request asks for the load once more.
    const leftOutOne = binary || this.#binary === 'refused'
    if (asksLoad) this.#load = 'accepted'
    else if (this.#load === 'untried' && leftOutOne) this.#load = 'refused'
    if (binary) this.#binary = 'accepted'
    else if (this.#binary === 'untried') this.#binary = 'refused'
  }

  /** How to try a request again that has failed; undefined: its failure is none of manners. */
  instead({ binary, asksLoad }: Manner, failure: unknown): Manner | undefined {
    if (!isEdgewardError(failure)) return undefined
    // Any answer at all shows that the header may come.
    if (asksLoad && 'status' in failure.details) this.#load = 'accepted'
    if (asksLoad && this.#load === 'untried' && isBlocked(failure)) return { binary, asksLoad: false }
    if (binary && this.#binary === 'untried' && mayRefuseBinary(failure)) return { binary: false, asksLoad }
    return undefined
  }
}

/** What CORS refuses shows as a network error before an answer has begun. */
function isBlocked({ details: { reason, status } }: EdgewardError): boolean {
  return status === undefined && (reason === 'network' || reason === 'cors')
}

/**
 * Whether a failure of the first request with bytes may mean that the server does not take them. KServe and MLServer
 * say 400, 415, 422 or 500; in a page, their answer often has no CORS headers and shows as a network error.
 */
function mayRefuseBinary(failure: EdgewardError): boolean {
  const { code, details } = failure
  return isBlocked(failure) || ([400, 415, 422, 500].includes(Number(details['status'])) && code !== 'REMOTE_NOT_FOUND')
}
