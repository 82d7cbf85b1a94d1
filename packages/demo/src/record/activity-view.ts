/** One line about the model: how its download is coming along, with a way to cancel it. */
import type { DownloadProgress } from 'edgeward'
import { byId } from '../dom.js'
import { formatBytes, formatTimeLeft } from '../format.js'
import { DownloadRate } from './download-rate.js'

export class ActivityView {
  readonly #text = byId('activity-text', HTMLElement)
  readonly #track = byId('activity-track', HTMLProgressElement)
  readonly #cancel = byId('activity-cancel', HTMLButtonElement)
  #rate = new DownloadRate()

  constructor(onCancel: () => void) {
    this.#cancel.addEventListener('click', () => {
      onCancel()
      this.rest('Cancelled. What has arrived is kept.')
    })
  }

  download(progress: DownloadProgress): void {
    const { loadedBytes, totalBytes, cachedBytes } = progress
    const leftMs = this.#rate.add(progress, performance.now())
    const bytes = `${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}`
    this.#track.max = totalBytes
    this.#track.value = loadedBytes
    this.#set(
      loadedBytes === totalBytes ? 'starting' : 'downloading',
      loadedBytes === totalBytes
        ? `${bytes} here, starting the model`
        : cachedBytes === loadedBytes
          ? `${bytes} from this browser’s store`
          : [`Fetching ${bytes}`, ...(leftMs === undefined ? [] : [formatTimeLeft(leftMs)])].join(', '),
    )
  }

  /** Nobody waits for a model any more. */
  settle(): void {
    if (this.#track.dataset['state'] !== 'idle') this.rest('Nothing is being fetched')
  }

  /** Nothing is being fetched. */
  rest(text: string): void {
    this.#rate = new DownloadRate()
    this.#set('idle', text)
  }

  #set(state: 'idle' | 'downloading' | 'starting', text: string): void {
    this.#text.textContent = text
    this.#track.dataset['state'] = state
    this.#track.hidden = state === 'idle'
    this.#cancel.hidden = state === 'idle'
  }
}
