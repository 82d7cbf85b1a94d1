/** What a killed page leaves behind, as far as it needs no browser: there are neither locks nor events of the page here. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createPageStore, CrashSentinel, type LoadingPhase } from '../../../packages/sdk/src/device/index.js'

const minute = 60_000
const model = 'loading minilm on webgpu'

beforeEach(() => vi.stubGlobal('navigator', undefined))
afterEach(() => vi.unstubAllGlobals())

/** Pages that share notes and a clock. */
function browser() {
  const store = createPageStore()
  const clock = { now: 1_700_000_000_000 }
  const page = () => new CrashSentinel(store, () => clock.now)
  /** A page that is killed while it loads; what the next one finds a while later. */
  const killedWhile = (phase: LoadingPhase, key = 'k') => {
    const sentinel = page()
    sentinel.begin(key, model)
    sentinel.phase(key, phase)
    clock.now += minute
    return page().leftovers()
  }
  return { store, clock, page, killedWhile, notes: () => store.keys('edgeward:') }
}

describe('a page that was killed', () => {
  it('while it made a session is told of at once, and once', async () => {
    const { killedWhile, page, notes } = browser()
    expect(await killedWhile('session')).toEqual([{ key: 'k', description: model }])
    expect(await page().leftovers()).toEqual([])
    expect(notes()).toEqual([])
  })

  it('while it downloaded is told of when it happens twice in a row', async () => {
    const { killedWhile } = browser()
    expect(await killedWhile('download')).toEqual([])
    expect(await killedWhile('download', 'another')).toEqual([])
    expect(await killedWhile('download')).toHaveLength(1)
    expect(await killedWhile('download')).toEqual([])
  })

  it('while it downloaded, before a load that went well, is forgotten', async () => {
    const { killedWhile, page, notes } = browser()
    expect(await killedWhile('download')).toEqual([])
    const survivor = page()
    survivor.begin('k', model)
    survivor.end('k')
    expect(notes()).toEqual([])
    expect(await killedWhile('download')).toEqual([])
  })

  it('while it loaded several models is told of for each', async () => {
    const { page, clock } = browser()
    const sentinel = page()
    for (const key of ['a', 'b', 'c']) sentinel.begin(key, key)
    for (const key of ['a', 'b']) sentinel.phase(key, 'session')
    clock.now += minute
    expect((await page().leftovers()).map(({ key }) => key)).toEqual(['a', 'b'])
  })
})

describe('a page that lives', () => {
  it('leaves nothing when its loads have ended, well or not', async () => {
    const { page, clock, notes } = browser()
    const sentinel = page()
    sentinel.begin('k', model)
    sentinel.phase('k', 'session')
    expect(notes()).toHaveLength(1)
    sentinel.end('k')
    expect(notes()).toEqual([])
    sentinel.end('k')
    sentinel.phase('k', 'session')
    clock.now += minute
    expect(await page().leftovers()).toEqual([])
  })

  it('loads until the last of those who began a load has ended it', () => {
    const { page, notes } = browser()
    const sentinel = page()
    sentinel.begin('k', model)
    sentinel.begin('k', model)
    sentinel.end('k')
    expect(notes()).toHaveLength(1)
    sentinel.end('k')
    expect(notes()).toEqual([])
  })

  it('does not take its own notes, nor, without locks, those that are younger than a minute', async () => {
    const { page, clock } = browser()
    const sentinel = page()
    sentinel.begin('k', model)
    sentinel.phase('k', 'session')
    clock.now += minute - 1
    expect(await page().leftovers()).toEqual([])
    clock.now += 1
    expect(await sentinel.leftovers()).toEqual([])
    expect(await page().leftovers()).toHaveLength(1)
  })

  it('strikes out everything when it is disposed', () => {
    const { page, notes } = browser()
    const sentinel = page()
    sentinel.begin('k', model)
    sentinel.dispose()
    expect(notes()).toEqual([])
  })
})

it.each([[null], [7], [{ at: 0 }], [{ at: 0, loads: 'k' }], [{ at: 0, loads: [null, 1, { key: 1 }, { key: 'k' }] }]])(
  'a note that is something else (%j) tells nothing, and is taken away',
  async (note) => {
    const { store, page, notes } = browser()
    store.write('edgeward:loading:x', note)
    store.write('edgeward:suspects', 'nonsense')
    expect(await page().leftovers()).toEqual([])
    expect(notes()).toEqual(['edgeward:suspects'])
  },
)
