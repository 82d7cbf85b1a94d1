/** The lines that were read, beside the picture with a box for each; pointing at one shows the other. */
import type { TaskOutput, TextLine } from 'edgeward'
import { byId, html, svg } from '../dom.js'

type Reading = TaskOutput<'image-to-text'>

export class LinesView {
  readonly #list = byId('picture-lines', HTMLOListElement)
  readonly #overlay = byId('picture-overlay', SVGSVGElement)
  #text = ''

  constructor() {
    for (const place of [this.#list, this.#overlay]) {
      place.addEventListener('pointerover', ({ target }) => this.#point(indexOf(target)))
      place.addEventListener('pointerleave', () => this.#point(undefined))
    }
    this.#list.addEventListener('focusin', ({ target }) => this.#point(indexOf(target)))
    this.#list.addEventListener('focusout', () => this.#point(undefined))
    this.#overlay.addEventListener('click', ({ target }) => {
      const index = indexOf(target)
      if (index !== undefined) this.#list.querySelector<HTMLElement>(`[data-line="${index}"] button`)?.focus()
    })
  }

  /** All lines, in reading order. */
  get text(): string {
    return this.#text
  }

  show({ text, lines, width, height }: Reading): void {
    this.#text = text
    this.#overlay.setAttribute('viewBox', `0 0 ${width} ${height}`)
    this.#overlay.replaceChildren(...lines.map(boxOf))
    this.#list.replaceChildren(...lines.map(rowOf))
  }

  clear(): void {
    this.#text = ''
    this.#overlay.replaceChildren()
    this.#list.replaceChildren()
  }

  /** Selects all lines, where the clipboard cannot be written. */
  select(): void {
    getSelection()?.selectAllChildren(this.#list)
  }

  #point(index: string | undefined): void {
    for (const part of [...this.#list.children, ...this.#overlay.children]) {
      part.toggleAttribute('data-pointed', index !== undefined && part.getAttribute('data-line') === index)
    }
  }
}

function boxOf({ box }: TextLine, index: number): SVGElement {
  return svg('polygon', { 'data-line': index, points: box.map(([x, y]) => `${x},${y}`).join(' ') })
}

function rowOf({ text, confidence }: TextLine, index: number): HTMLElement {
  const label = `Show line ${index + 1} in the picture`
  return html(
    'li',
    { class: 'line', 'data-line': index },
    html('button', { type: 'button', class: 'line-number', 'aria-label': label }, String(index + 1)),
    html('span', { class: 'line-text' }, text),
    html('span', { class: 'line-confidence', title: 'How sure the model is' }, `${Math.round(confidence * 100)} %`),
  )
}

function indexOf(target: EventTarget | null): string | undefined {
  return target instanceof Element ? (target.closest('[data-line]')?.getAttribute('data-line') ?? undefined) : undefined
}
