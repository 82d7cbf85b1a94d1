/** How an endpoint is spoken to, as far as that is learnt from what it refuses. */
import { isEdgewardError } from '../../errors/index.js'
import type { OpenAiServer } from '../options.js'
import { extensionsOf } from './server.js'

export interface Manner {
  readonly server: OpenAiServer
  /** OpenAI's newer models refuse the first, many servers ignore the second. */
  readonly maxTokensName: 'max_tokens' | 'max_completion_tokens'
  readonly includesUsage: boolean
  /** Whether it is asked for its load. */
  readonly asksLoad: boolean
}

/** Of one endpoint. */
export class Manners {
  #manner: Manner
  #isLoadAccepted = false

  constructor(server: OpenAiServer, asksLoad: boolean) {
    const knowsLoad = extensionsOf[server].load === true
    this.#manner = { server, maxTokensName: 'max_tokens', includesUsage: true, asksLoad: asksLoad && knowsLoad }
  }

  first(): Manner {
    return this.#manner
  }

  worked(manner: Manner): void {
    this.#manner = manner
    this.#isLoadAccepted ||= manner.asksLoad
  }

  /** Another manner in which a request that failed may succeed. */
  instead(manner: Manner, failure: unknown): Manner | undefined {
    if (!isEdgewardError(failure)) return undefined
    const { code, details, message } = failure
    // A page whose preflight is refused learns no more than that.
    if (manner.asksLoad && !this.#isLoadAccepted && code === 'REMOTE_UNREACHABLE' && isBlocked(details['reason'])) {
      return { ...manner, asksLoad: false }
    }
    if (code !== 'REMOTE_REJECTED') return undefined
    if (manner.maxTokensName === 'max_tokens' && message.includes('max_completion_tokens')) {
      return { ...manner, maxTokensName: 'max_completion_tokens' }
    }
    if (manner.includesUsage && message.includes('stream_options')) return { ...manner, includesUsage: false }
    return undefined
  }
}

function isBlocked(reason: unknown): boolean {
  return reason === 'cors' || reason === 'network'
}
