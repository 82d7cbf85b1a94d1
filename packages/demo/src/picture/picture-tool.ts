/** Reads the text in a picture and links every line to its place in it. */
import { isAbortError } from 'edgeward'
import { announce } from '../announce.js'
import type { Answering } from '../answering.js'
import { byId } from '../dom.js'
import { acceptDrops } from '../drop.js'
import { count } from '../format.js'
import { createNotice } from '../notice.js'
import type { RecordPanel } from '../record/record-panel.js'
import { LinesView } from './lines-view.js'
import sampleUrl from './sample.jpg'

const task = 'image-to-text'

export class PictureTool {
  readonly #answering: Answering
  readonly #record: RecordPanel
  readonly #section = byId('picture', HTMLElement)
  readonly #image = byId('picture-image', HTMLImageElement)
  readonly #state = byId('picture-state', HTMLElement)
  readonly #stop = byId('picture-stop', HTMLButtonElement)
  readonly #copy = byId('picture-copy', HTMLButtonElement)
  readonly #lines = new LinesView()
  readonly #notice = createNotice(byId('picture-notice', HTMLElement), () => void this.read())
  #picture: Blob | undefined
  #reading = new AbortController()

  constructor(answering: Answering, record: RecordPanel) {
    this.#answering = answering
    this.#record = record
    acceptDrops(this.#section, ([file]) => void this.open(file))
    for (const id of ['picture-file', 'picture-photograph']) this.#listenTo(byId(id, HTMLInputElement))
    byId('picture-sample', HTMLButtonElement).addEventListener('click', () => void this.#openSample())
    this.#stop.addEventListener('click', () => this.#reading.abort())
    this.#copy.addEventListener('click', () => void this.#copyText())
  }

  /** Shows a picture and reads it. */
  async open(picture: Blob | undefined): Promise<void> {
    if (picture === undefined) return
    URL.revokeObjectURL(this.#image.src)
    this.#picture = picture
    this.#image.src = URL.createObjectURL(picture)
    // Decoded first, so that its place has its size at once. Who cannot show it will say so when reading it.
    await this.#image.decode().catch((reason: unknown) => announce(String(reason)))
    this.#section.dataset['state'] = 'open'
    if (this.#picture === picture) await this.read()
  }

  /** Reads the picture that is shown, again if it was read before. */
  async read(): Promise<void> {
    this.#reading.abort()
    if (this.#picture === undefined) return
    const { signal } = (this.#reading = new AbortController())
    const end = this.#record.begin(task)
    this.#begin()
    try {
      const { output, ...answered } = await this.#answering.ask(task, this.#picture, signal)
      this.#lines.show(output)
      this.#copy.hidden = output.lines.length === 0
      this.#finish(output.lines.length === 0 ? 'No text was found in this picture' : count(output.lines.length, 'line'))
      this.#record.show(task, 'Picture', answered)
    } catch (error) {
      this.#fail(error, signal)
    } finally {
      end()
    }
  }

  #begin(): void {
    this.#notice.clear()
    this.#lines.clear()
    this.#copy.hidden = true
    this.#stop.hidden = false
    this.#section.dataset['reading'] = ''
    this.#state.textContent = 'Reading the picture'
  }

  #finish(state: string): void {
    this.#stop.hidden = true
    delete this.#section.dataset['reading']
    this.#state.textContent = state
    announce(state)
  }

  #fail(error: unknown, signal: AbortSignal): void {
    // Another picture has taken the place of this one.
    if (this.#reading.signal !== signal) return
    this.#finish('Not read')
    if (signal.aborted || isAbortError(error)) return
    this.#notice.show(error)
    this.#record.fail(task, error)
  }

  #listenTo(input: HTMLInputElement): void {
    input.addEventListener('change', () => {
      void this.open(input.files?.[0])
      input.value = '' // The same file may be chosen again.
    })
  }

  async #openSample(): Promise<void> {
    const response = await fetch(sampleUrl)
    await this.open(await response.blob())
  }

  async #copyText(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.#lines.text)
      this.#state.textContent = 'Copied'
    } catch {
      this.#lines.select()
      this.#state.textContent = 'Selected: copy it with your keyboard'
    }
    announce(this.#state.textContent)
  }
}
