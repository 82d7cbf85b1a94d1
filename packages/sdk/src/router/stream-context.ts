/** What a stream is dispatched with, and what comes of it. */
import type { Attempt, GenerationEvent, GenerationOptions, Placement, Segment } from '../contract/index.js'
import type { DispatchContext } from './dispatch-context.js'

type EngineFinish = Extract<GenerationEvent, { type: 'finish' }>

/**
 * What a stream tells, whoever writes it: each character of the answer once, in its order.
 *
 * - `placement` comes before the first event of whoever writes from there on, with the reason of a move.
 * - `start` comes first, after `restart`, and after a `placement` whose engine marks its text up in another way: what follows is
 *   read as it says, and `format.startsInReasoning` is whether the answer is inside of its reasoning there.
 * - `restart`: what came before is void.
 * - `finish` has the usage of the whole answer, who wrote what of its raw text, and the placements that failed.
 */
export type RoutedEvent =
  | Exclude<GenerationEvent, EngineFinish>
  | { readonly type: 'placement'; readonly placement: Placement; readonly reason?: string }
  | { readonly type: 'restart'; readonly reason: string }
  | (EngineFinish & { readonly segments: readonly Segment[]; readonly attempts: readonly Attempt[] })

export interface StreamContext extends Omit<DispatchContext, 'hedge'> {
  /** When an answer cannot be gone on with anywhere without a seam: it begins again, or the stream fails. */
  readonly onSeam: NonNullable<GenerationOptions['onSeam']>
  /** The policy's floor: a slower placement hands over to one that is expected to be faster. 0 or absent: none. */
  readonly minTokensPerSecond?: number
  /** Whether an answer comes home also to a device that is not known to be as fast as the endpoint. */
  readonly prefersDevice?: boolean
  /**
   * Resolves with the first of these placements of the device that is ready, now or later; never when none gets so, and then
   * it is forgotten as soon as `signal` aborts. An answer that an endpoint writes meanwhile may move there. Absent: it stays.
   */
  comingHome?(placements: readonly Placement[], signal: AbortSignal): Promise<Placement>
  /** The answer has moved in its middle, or begins again. */
  onMoved?(move: StreamMove): void
}

/** A move of an answer, told when the next placement has written its first event. */
export interface StreamMove {
  readonly from: Placement
  readonly to: Placement
  /** `failure`: the one before failed; `slow`: it was under the floor; `home`: the device is ready. */
  readonly why: 'failure' | 'slow' | 'home'
  /** Whether what was written before is void. */
  readonly isRestart: boolean
  readonly reason: string
}
