/** What the endpoint knows of everything that it serves, whatever answers its requests. */
import type { EdgewardError } from 'edgeward'
import type { TensorSpec } from 'edgeward/manifest'
import type { ServedFile } from './read-models.js'
import type { SessionQueue } from './session-queue.js'

export interface Served {
  readonly name: string
  /** What clients may ask for: `1`, the only one there is, or its real name, the manifest's revision. */
  readonly versions: readonly string[]
  readonly revision: string
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  /** Every file that it needs. */
  readonly files: readonly ServedFile[]
  readonly queue: SessionQueue
  /** Whether a request can be answered, as far as is known: the session opens with the first one. */
  readonly isReady: boolean
  readonly loadedSessions: number
  /** Mean time of the recent runs, opening a session not included; undefined before the first. */
  readonly runSeconds: number | undefined
  /** How long a request that came now would wait for its turn, if every run took `runSeconds`. */
  readonly expectedWaitSeconds: number | undefined
  /** The model is not ready until a session has been opened; whoever asks within the next second hears `error`. */
  refuse(error: EdgewardError): void
  /** Frees the sessions; the one of a run that goes on is freed when it ends. */
  dispose(): Promise<void>
}
