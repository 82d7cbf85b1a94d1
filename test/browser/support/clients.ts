/** Clients for the browser tests, disposed after each one. */
import { afterEach, inject } from 'vitest'
import { createClient, type Client, type ClientOptions, type Tensor } from 'edgeward'

const clients: Client[] = []

afterEach(async () => {
  await Promise.all(clients.splice(0).map((made) => made.dispose()))
})

/** A client of the packed models, which the tests' server has at its root, with the worker as it is shipped. */
export function testClient(options: ClientOptions = {}): Client {
  const made = createClient({ workerUrl: '/shipped/worker.js', ...options })
  clients.push(made)
  return made
}

/** The real reference endpoint, with the same models. */
export function endpoint(): { protocol: 'oip'; url: string } {
  return { protocol: 'oip', url: inject('endpoint') }
}

/** The policy of tests that watch the device: it is waited for, so that a failure there is met, and then falls back. */
export const deviceFirst = { prefer: 'cheapest' } as const

/** Two rows for `tiny-mlp`. */
export function tinyInput(): { x: Tensor } {
  return { x: { dtype: 'float32', shape: [2, 4], data: Float32Array.of(1, -2, 3, 0.5, 0, 0.25, -1, 8) } }
}

export function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, index) => sum + value * (y[index] ?? NaN), 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

/** The largest difference between two tensors' values; NaN when they do not match. */
export function largestDifference(a: Tensor | undefined, b: Tensor | undefined): number {
  if (!a || !b || String(a.shape) !== String(b.shape)) return NaN
  const [values, others] = [a, b].map(({ data }) => Array.from<unknown, number>(data as ArrayLike<unknown>, Number))
  return Math.max(...(values ?? []).map((value, index) => Math.abs(value - (others?.[index] ?? NaN))))
}
