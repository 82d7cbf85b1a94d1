/** What every engine has whose answers come from an endpoint. */
import type { Engine, Placement } from '../contract/index.js'

/** An engine whose answers come from an endpoint. */
export interface RemoteEngine extends Engine {
  /** The one placement that this engine has. */
  readonly placement: Extract<Placement, { engine: 'remote' }>
  /**
   * Asks the endpoint whether it is ready. A server that answers, but does not tell, may be.
   *
   * @throws EdgewardError `REMOTE_UNREACHABLE` when no answer came, `DISPOSED` when the engine ended meanwhile
   */
  isReady(): Promise<boolean>
}
