/** Traces for tests of what is done with them, and a client that tells of them. */
import type { Placement, Trace } from '../../packages/sdk/src/contract/index.js'

export const wasm: Placement = { engine: 'device', backend: 'wasm', variant: 'int8' }
export const remote: Placement = { engine: 'remote', endpoint: 'https://one.example:8443/base' }

/** A request that an endpoint failed and the device answered. */
export function makeTrace(changes: Partial<Trace> = {}): Trace {
  return {
    id: randomHex(32),
    model: 'a-model',
    task: 'feature-extraction',
    lane: 'interactive',
    startedAt: Date.now() - 100,
    totalMs: 100,
    outcome: 'answered',
    placement: wasm,
    spans: [
      { name: 'plan', startMs: 0, durationMs: 1 },
      { name: 'attempt', startMs: 1, durationMs: 9, placement: remote, outcome: 'REMOTE_FAILED' },
      { name: 'attempt', startMs: 10, durationMs: 90, placement: wasm, outcome: 'answered' },
      { name: 'session', startMs: 10, durationMs: 50, placement: wasm },
      { name: 'run', startMs: 60, durationMs: 39, placement: wasm },
    ],
    notes: [{ atMs: 10, what: 'fallback', text: 'The endpoint failed.' }],
    ...changes,
  }
}

/** What exporters listen to, and how a test makes it speak. */
export function makeSource() {
  const listeners = new Set<(trace: Trace) => void>()
  return {
    emit(trace: Trace) {
      for (const listener of listeners) listener(trace)
    },
    on(_name: 'request', listener: (trace: Trace) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    get listeners() {
      return listeners.size
    },
  }
}

function randomHex(digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(Math.random() * 16).toString(16)).join('')
}
