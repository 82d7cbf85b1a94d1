/** Tells people who hear the page, rather than see it, what has happened. */
import { byId } from './dom.js'

/** Says a sentence at the next opportunity; politely, so a newer one replaces it. */
export function announce(sentence: string): void {
  byId('announcer', HTMLElement).textContent = sentence
}
