/** Browsers of other makers than Chromium's, driven just far enough to run a script in a page. */

/** A started browser with one page. */
export interface Engine {
  /** Opens the address anew and resolves with what the body of an async function gives there. */
  run(url: string, body: string): Promise<unknown>
  close(): Promise<void>
}
