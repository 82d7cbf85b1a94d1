/** Where messages are written: the field, what to say first, and how answers are to be. */
import { byId, html } from '../dom.js'

/** What answers are asked for with. */
export interface Manner {
  readonly system: string
  readonly temperature: number
}

const openers = [
  'Why is the sky blue?',
  'Write a haiku about the sea.',
  'Give me three ideas for dinner, as a list.',
  'Write a function in Python that reverses a string.',
]

export interface ComposerListener {
  readonly onSend: (text: string) => void
  readonly onStop: () => void
  readonly onNew: () => void
}

export class Composer {
  readonly #form = byId('chat-form', HTMLFormElement)
  readonly #field = byId('chat-message', HTMLTextAreaElement)
  readonly #send = byId('chat-send', HTMLButtonElement)
  readonly #stop = byId('chat-stop', HTMLButtonElement)
  readonly #new = byId('chat-new', HTMLButtonElement)
  readonly #openers = byId('chat-openers', HTMLElement)
  readonly #system = byId('chat-system', HTMLTextAreaElement)
  readonly #temperature = byId('chat-temperature', HTMLInputElement)

  constructor({ onSend, onStop, onNew }: ComposerListener) {
    const send = (text: string) => {
      if (text.trim() === '' || this.#send.hidden) return
      this.#field.value = ''
      onSend(text.trim())
    }
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      send(this.#field.value)
    })
    this.#field.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
      event.preventDefault()
      send(this.#field.value)
    })
    this.#stop.addEventListener('click', () => {
      // The button goes, and takes the keyboard's focus with it.
      this.#field.focus()
      onStop()
    })
    this.#new.addEventListener('click', () => {
      this.#field.focus()
      onNew()
    })
    this.#openers.replaceChildren(...openers.map((text) => openerRow(text, send)))
    this.#temperature.addEventListener('input', () => this.#tellTemperature())
    this.#tellTemperature()
  }

  get manner(): Manner {
    return { system: this.#system.value.trim(), temperature: this.#temperature.valueAsNumber }
  }

  show({ isWriting, isEmpty }: { readonly isWriting: boolean; readonly isEmpty: boolean }): void {
    this.#send.hidden = isWriting
    this.#stop.hidden = !isWriting
    this.#new.hidden = isEmpty
    this.#openers.hidden = !isEmpty
  }

  #tellTemperature(): void {
    const { valueAsNumber } = this.#temperature
    const text = valueAsNumber === 0 ? '0, always the same' : valueAsNumber.toFixed(1)
    this.#temperature.setAttribute('aria-valuetext', text)
    const output = this.#temperature.nextElementSibling
    if (output !== null) output.textContent = valueAsNumber.toFixed(1)
  }
}

function openerRow(text: string, send: (text: string) => void): HTMLElement {
  const button = html('button', { type: 'button', class: 'chip' }, text)
  button.addEventListener('click', () => send(text))
  return html('li', {}, button)
}
