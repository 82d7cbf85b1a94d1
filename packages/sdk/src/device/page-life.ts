/** Tells when the page goes away and when it is there again: hidden, frozen, kept for "back", asleep or offline meanwhile. */
import { listen, orNothing } from './condition-source.js'

export interface PageLifeListener {
  /** The page is seen again, or the network is there again: what it had may be gone. It may be told several times. */
  readonly onReturn: () => void
  /** The user goes elsewhere. The page may be kept, and come back. */
  readonly onLeave: () => void
}

/** Watches what the platform tells; what it lacks is not told. Returns its undo. */
export function watchPageLife({ onReturn, onLeave }: PageLifeListener): () => void {
  let isAway = false
  const leave = () => {
    isAway = true
    onLeave()
  }
  const comeBack = () => {
    isAway = false
    onReturn()
  }
  const look = () => {
    if (document.visibilityState === 'visible') comeBack()
  }
  // It comes with the page's first load, too.
  const show = (event: Event) => {
    if (isAway || (event as PageTransitionEvent).persisted) comeBack()
  }
  const watchDocument = () => {
    const undoing = [listen(document, ['visibilitychange'], look), listen(document, ['resume'], comeBack)]
    return () => undoing.forEach((undo) => undo())
  }
  const watchWindow = () => {
    addEventListener('pageshow', show)
    const undoing = [listen(window, ['pagehide'], leave), listen(window, ['online'], comeBack)]
    return () => {
      removeEventListener('pageshow', show)
      undoing.forEach((undo) => undo())
    }
  }
  const stops = [watchDocument, watchWindow].map((watch) => orNothing(watch))
  return () => stops.forEach((stop) => stop?.())
}
