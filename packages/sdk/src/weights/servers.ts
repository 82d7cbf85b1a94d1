/** Tells a server that is silent from a request that waits for others: with HTTP/1.1, browsers open six connections to a server. */

export class Servers {
  readonly #servers = new Map<string, Server>()

  /** The server of an absolute address. */
  at(url: string): Server {
    const { origin } = new URL(url)
    const server = this.#servers.get(origin) ?? new Server()
    this.#servers.set(origin, server)
    return server
  }
}

class Server {
  #heardAt = -Infinity

  /** Something came: the clocks of all who wait for this server begin anew. */
  heard(): void {
    this.#heardAt = performance.now()
  }

  /** Calls back once when nothing has come for `stallMs` of waiting. Returns what ends the wait. */
  watch(stallMs: number, onStalled: () => void): () => void {
    const startedAt = performance.now()
    // Pieces come by the thousand: each leaves a time behind, none a timer.
    const look = () => {
      const silentMs = performance.now() - Math.max(startedAt, this.#heardAt)
      if (silentMs >= stallMs) onStalled()
      else timer = setTimeout(look, stallMs - silentMs)
    }
    let timer = setTimeout(look, stallMs)
    return () => clearTimeout(timer)
  }
}
