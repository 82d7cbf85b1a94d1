/** How a server is doing at the moment: several misbehaviours may overlap, and each one ends by itself. */
import { send, type Front, type Misbehaviour } from '../../chaos/support/front.js'

export class Weather {
  readonly #current = new Set<Misbehaviour>()

  /** @param front - never to be reset */
  constructor(front: Front) {
    front.misbehave(/.*/, async (honest, response) => {
      const newest = [...this.#current].at(-1)
      if (newest === undefined) send(response, await honest())
      else await newest(honest, response)
    })
  }

  /** From now on, until what is returned is called, the server does this; the newest wins. */
  becomes(how: Misbehaviour): () => void {
    // A function of its own, since the same misbehaviour may be there twice.
    const own: Misbehaviour = (honest, response) => how(honest, response)
    this.#current.add(own)
    return () => void this.#current.delete(own)
  }
}
