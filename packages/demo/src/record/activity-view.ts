/** One line about the model: how its download is coming along, with a way to cancel it. */
import type { DownloadProgress } from 'edgeward'
import { byId } from '../dom.js'
import { describeProgress } from './describe-progress.js'

export class ActivityView {
  /** Whether requests wait for the model: else it comes in the background, and there is nothing to cancel. */
  isAwaited = true
  readonly #text = byId('activity-text', HTMLElement)
  readonly #track = byId('activity-track', HTMLProgressElement)
  readonly #cancel = byId('activity-cancel', HTMLButtonElement)

  constructor(onCancel: () => void) {
    this.#cancel.addEventListener('click', () => {
      onCancel()
      this.rest('Cancelled. What has arrived is kept.')
    })
  }

  download(progress: DownloadProgress): void {
    const { phase, loadedBytes, totalBytes } = progress
    const isCounted = phase === 'download' || phase === 'verify'
    if (isCounted) {
      this.#track.max = totalBytes
      this.#track.value = loadedBytes
    } else this.#track.removeAttribute('value')
    const background = this.isAwaited ? '' : ', in the background'
    this.#set(isCounted ? 'downloading' : 'starting', describeProgress(progress) + background)
  }

  /** No model is coming any more. */
  settle(): void {
    if (this.#track.dataset['state'] !== 'idle') this.rest('Nothing is being fetched')
  }

  /** Nothing is being fetched. */
  rest(text: string): void {
    this.#set('idle', text)
  }

  #set(state: 'idle' | 'downloading' | 'starting', text: string): void {
    this.#text.textContent = text
    this.#track.dataset['state'] = state
    this.#track.hidden = state === 'idle'
    this.#cancel.hidden = state === 'idle' || !this.isAwaited
  }
}
