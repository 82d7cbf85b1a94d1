/** Where the text comes from: pasted, dropped, chosen as files, or the sample; then one line about it. */
import { byId, html } from '../dom.js'
import { acceptDrops } from '../drop.js'
import { count } from '../format.js'

export interface SourceListener {
  onText(name: string, text: string): void
  onStop(): void
  onGoOn(): void
  onClose(): void
  onQuery(query: string): void
}

const sampleQueries = [
  'animals that sleep oddly',
  'fixing broken things',
  'food that keeps',
  'my landlord kept my money',
]

export class SourceView {
  readonly #section = byId('search', HTMLElement)
  readonly #form = byId('source', HTMLFormElement)
  readonly #text = byId('source-text', HTMLTextAreaElement)
  readonly #hint = byId('source-hint', HTMLElement)
  readonly #name = byId('source-name', HTMLElement)
  readonly #state = byId('source-state', HTMLElement)
  readonly #track = byId('source-track', HTMLProgressElement)
  readonly #stop = byId('source-stop', HTMLButtonElement)
  readonly #suggestions = byId('suggestions', HTMLElement)
  readonly #listener: SourceListener

  constructor(listener: SourceListener) {
    this.#listener = listener
    const files = byId('source-files', HTMLInputElement)
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      listener.onText('Your text', this.#text.value)
    })
    files.addEventListener('change', () => void this.#read([...(files.files ?? [])]))
    acceptDrops(this.#form, (dropped) => void this.#read(dropped))
    byId('source-sample', HTMLButtonElement).addEventListener('click', () => void this.#openSample())
    byId('source-change', HTMLButtonElement).addEventListener('click', () => this.#close())
    this.#stop.addEventListener('click', () =>
      this.#stop.dataset['action'] === 'stop' ? listener.onStop() : listener.onGoOn(),
    )
    this.#suggestions.append(...sampleQueries.map((query) => this.#suggestion(query)))
  }

  open(name: string, passages: number): void {
    this.#hint.textContent = ''
    this.#section.dataset['state'] = 'open'
    this.#suggestions.hidden = name !== sampleName
    this.#name.textContent = name
    this.progress(0, passages)
  }

  /** Says why nothing was opened. */
  refuse(reason: string): void {
    this.#hint.textContent = reason
  }

  progress(done: number, total: number): void {
    this.#state.textContent = `Reading: ${done} of ${count(total, 'passage')}`
    this.#track.max = total
    this.#track.value = done
    this.#track.hidden = false
    this.#setAction('stop')
  }

  indexed(total: number): void {
    this.#state.textContent = `${count(total, 'passage')}, ready`
    this.#track.hidden = true
    this.#stop.hidden = true
  }

  stopped(total: number): void {
    this.#state.textContent = `${count(total, 'passage')}, not read yet`
    this.#track.hidden = true
    this.#setAction('go on')
  }

  #setAction(action: 'stop' | 'go on'): void {
    this.#stop.dataset['action'] = action
    this.#stop.textContent = action === 'stop' ? 'Stop' : 'Go on'
    this.#stop.hidden = false
  }

  #close(): void {
    delete this.#section.dataset['state']
    this.#listener.onClose()
    this.#text.focus()
  }

  async #read(files: readonly File[]): Promise<void> {
    if (files.some((file) => !isText(file))) {
      this.refuse('Only text files (.txt, .md) can be searched.')
      return
    }
    const texts = await Promise.all(files.map((file) => file.text()))
    if (files.length > 0) this.#listener.onText(files.map(({ name }) => name).join(', '), texts.join('\n\n'))
  }

  async #openSample(): Promise<void> {
    const { default: sample } = await import('./sample.txt?raw')
    this.#listener.onText(sampleName, sample)
  }

  #suggestion(query: string): HTMLElement {
    const button = html('button', { type: 'button', class: 'chip' }, query)
    button.addEventListener('click', () => this.#listener.onQuery(query))
    return html('li', {}, button)
  }
}

function isText({ type, name }: File): boolean {
  return type.startsWith('text/') || /\.(txt|md)$/i.test(name)
}

const sampleName = 'Forty-one small stories'
