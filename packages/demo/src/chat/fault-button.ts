/** The button that takes away what writes: the GPU, the worker, or the line to the endpoint. */
import type { Placement } from 'edgeward'
import { cutEndpoint } from '../config.js'
import type { BreakablePage } from '../break/breakable-page.js'
import { byId } from '../dom.js'

type Fault = 'gpu' | 'worker' | 'endpoint'

const labels: { readonly [F in Fault]: string } = {
  gpu: 'Lose the GPU',
  worker: 'Kill the worker',
  endpoint: 'Take the endpoint down',
}

export class FaultButton {
  readonly #page: BreakablePage
  readonly #button = byId('chat-fault', HTMLButtonElement)
  readonly #onFault: (sentence: string) => void
  #fault: Fault | undefined
  #isCut = false

  /** @param onFault - hears what was done */
  constructor(page: BreakablePage, onFault: (sentence: string) => void) {
    this.#page = page
    this.#onFault = onFault
    this.#button.addEventListener('click', () => void this.#press())
  }

  /** @param placement - who writes now; undefined: nobody */
  show(placement: Placement | undefined): void {
    this.#fault = faultOf(placement)
    if (this.#fault !== undefined) this.#button.textContent = labels[this.#fault]
    const isPossible = this.#fault !== undefined && (this.#fault !== 'endpoint' || this.#page.isCuttable)
    // A disabled button would lose the keyboard's focus.
    this.#button.setAttribute('aria-disabled', String(!isPossible))
  }

  /** What was taken away for one answer is there again for the next; workers and GPUs come back by themselves. */
  async mend(): Promise<void> {
    if (!this.#isCut) return
    this.#isCut = false
    await cutEndpoint(false)
  }

  async #press(): Promise<void> {
    const fault = this.#fault
    if (fault === undefined || this.#button.getAttribute('aria-disabled') === 'true') return
    this.#onFault(await this.#does(fault))
  }

  /** @returns what was done */
  async #does(fault: Fault): Promise<string> {
    const faults = await this.#page.prepare()
    switch (fault) {
      case 'gpu':
        return (await faults.loseGpu()) > 0 ? 'You took the GPU away.' : 'The GPU was not in use any more.'
      case 'worker':
        faults.killWorker()
        return 'You killed the worker.'
      case 'endpoint':
        this.#isCut = true
        await cutEndpoint(true)
        return 'You took the endpoint down.'
    }
  }
}

function faultOf(placement: Placement | undefined): Fault | undefined {
  if (placement?.engine === 'remote') return 'endpoint'
  return placement && (placement.backend === 'webgpu' ? 'gpu' : 'worker')
}
