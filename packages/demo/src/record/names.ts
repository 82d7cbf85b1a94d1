/** Placements in words. */
import type { Backend, Placement, RuledOutPlacement } from 'edgeward'

const backendNames: { readonly [B in Backend]: string } = { webgpu: 'GPU', wasm: 'CPU' }

export interface PlaceName {
  readonly place: string
  readonly detail: string
}

export function nameOf(placement: Placement | RuledOutPlacement['placement']): PlaceName {
  if ('backend' in placement) {
    return { place: 'This device', detail: `${backendNames[placement.backend]} · ${placement.variant}` }
  }
  if ('endpoint' in placement) return { place: 'Endpoint', detail: new URL(placement.endpoint).host }
  return placement.engine === 'device' ? { place: 'This device', detail: '' } : { place: 'Endpoint', detail: '' }
}

/** For a headline: where the answer was computed. */
export function whereOf(placement: Placement): string {
  return placement.engine === 'device' ? 'On this device' : 'At the endpoint'
}

/** Whether both are the same place. */
export function isSamePlace(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
