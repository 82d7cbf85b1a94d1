/** The six buttons: what each does, and why one cannot be pressed. */
import { byId } from '../dom.js'

export const faultNames = ['worker', 'gpu', 'cache', 'disk', 'endpoint', 'network'] as const
export type FaultName = (typeof faultNames)[number]

/** `isOn`: of a button that stays pressed until it is pressed again. */
export type Press = (name: FaultName, isOn: boolean) => Promise<void>

export class FaultButtons {
  readonly #usualHelp = new Map<FaultName, string>()

  constructor(press: Press) {
    for (const name of faultNames) {
      const button = buttonOf(name)
      this.#usualHelp.set(name, helpOf(name).textContent)
      button.addEventListener('click', () => void this.#pressed(name, button, press))
    }
  }

  /** @param reason - why the button cannot be pressed; undefined: it can */
  allow(name: FaultName, reason: string | undefined): void {
    buttonOf(name).disabled = reason !== undefined
    helpOf(name).textContent = reason ?? this.#usualHelp.get(name) ?? ''
  }

  /** Shows that something else than the button has switched it. */
  show(name: FaultName, isOn: boolean): void {
    buttonOf(name).setAttribute('aria-pressed', String(isOn))
  }

  async #pressed(name: FaultName, button: HTMLButtonElement, press: Press): Promise<void> {
    // A disabled button would lose the keyboard's focus.
    if (button.getAttribute('aria-disabled') === 'true') return
    const isOn = button.getAttribute('aria-pressed') === 'false'
    if (button.hasAttribute('aria-pressed')) this.show(name, isOn)
    button.setAttribute('aria-disabled', 'true')
    try {
      await press(name, isOn)
    } finally {
      button.removeAttribute('aria-disabled')
    }
  }
}

const buttonOf = (name: FaultName) => byId(`fault-${name}`, HTMLButtonElement)
const helpOf = (name: FaultName) => byId(`fault-${name}-help`, HTMLElement)
