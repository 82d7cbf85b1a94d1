/** Open sessions: freed when nobody works with them any more, once, and counted until then. */
import { expect, it, vi } from 'vitest'
import type { Graph } from '../../../packages/sdk/src/contract/index.js'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import { ModelSessions, OpenSessions } from '../../../packages/sdk/src/worker/open-sessions.js'

const graph: Graph = { file: { path: 'model.onnx', bytes: 1, sha256: '', chunks: [] }, inputs: [], outputs: [] }
const turn = { lane: 'default', model: 'model', signal: new AbortController().signal } as const

/** The open sessions of a model with two graphs, and how its sessions are released. */
function openModel() {
  const release = vi.fn(() => Promise.resolve())
  const borrow = () => Promise.reject(new Error('nobody borrows here'))
  const session = { run: () => Promise.resolve({}), borrow, runCanary: () => Promise.resolve(), release }
  const graphs = new Map(['detection', 'recognition'].map((name) => [name, { graph, session }]))
  const sessions = new ModelSessions('model', graphs)
  const open = new OpenSessions()
  void open.add('key', 'webgpu', sessions)
  return { open, sessions, release }
}

it('unloading frees each session once, and nobody gets them any more', async () => {
  const { open, release } = openModel()
  expect(open.count).toBe(2)
  await Promise.all([open.unload('key'), open.unload('key'), open.unload('unknown')])
  expect(release).toHaveBeenCalledTimes(2)
  expect([open.count, open.get('key'), open.use('key', () => Promise.resolve())]).toEqual([0, undefined, undefined])
})

it('sessions that somebody works with are freed when the last has ended, well or not', async () => {
  const { open, sessions, release } = openModel()
  const [one, other] = [createDeferred<string>(), createDeferred<string>()]
  const works = [one, other].map(({ promise }) =>
    open.use('key', (given) => {
      expect(given).toBe(sessions)
      return promise
    }),
  )
  const unloading = open.unload('key')
  one.resolve('answer')
  expect(await works[0]).toBe('answer')
  expect([release.mock.calls.length, open.count]).toEqual([0, 2])
  other.reject(new Error('failed'))
  await expect(works[1]).rejects.toThrow('failed')
  await unloading
  expect([release.mock.calls.length, open.count]).toEqual([2, 0])
})

it('what was lost with its GPU is released once, also when it was about to be unloaded', async () => {
  const { open, release } = openModel()
  const working = createDeferred<undefined>()
  const work = open.use('key', () => working.promise)
  const unloading = open.unload('key')
  open.drop('webgpu')
  working.resolve(undefined)
  await Promise.all([work, unloading])
  expect([release.mock.calls.length, open.count]).toEqual([2, 0])
})

it('a loss leaves the sessions of the other backend', () => {
  const { open, sessions } = openModel()
  open.drop('wasm')
  expect(open.get('key')).toBe(sessions)
})

it('what cannot be released counts as live at the end', async () => {
  const { open, release } = openModel()
  release.mockRejectedValue(new Error('it would not go'))
  await open.close()
  expect(open.count).toBe(2)
})

it('a graph that the model does not have is called so, with those that it has', () => {
  const { sessions } = openModel()
  expect(() => sessions.infer('model', {}, undefined, turn)).toThrow('it has: detection, recognition')
})
