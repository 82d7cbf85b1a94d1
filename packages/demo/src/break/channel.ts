/** What the page and its breakable workers tell each other, on a channel of this page alone. */

export type ToWorker = { readonly is: 'lose-gpu' } | { readonly is: 'disk'; readonly isFull: boolean }

export type ToPage =
  /** A worker starts, and has to know how full the disk is. */
  | { readonly is: 'started' }
  /** How many devices there were to lose. */
  | { readonly is: 'gpus-lost'; readonly devices: number }

/** The channel that a worker's address names in its fragment. */
export function openChannel(name: string): BroadcastChannel {
  return new BroadcastChannel(`edgeward-break-${name}`)
}
