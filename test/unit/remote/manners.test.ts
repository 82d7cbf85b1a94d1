/** How an endpoint's habits are found out: what is left out after a failure, what is remembered, and what it costs. */
import { describe, expect, it } from 'vitest'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { Manners, type Manner } from '../../../packages/sdk/src/remote/oip/manners.js'

/** A server that does not answer what it does not take, or says so with a status. */
interface Server {
  readonly takesBinary: boolean
  readonly takesLoad: boolean
  /** What a refusal of bytes shows as; a refused header is always a network error. */
  readonly refusal?: 'network' | 400
  readonly isDead?: boolean
}

const blocked = new EdgewardError('REMOTE_UNREACHABLE', 'blocked', { details: { reason: 'network' } })

function failureOf({ takesBinary, takesLoad, refusal, isDead }: Server, manner: Manner): EdgewardError | undefined {
  if (isDead || (manner.asksLoad && !takesLoad)) return blocked
  if (!manner.binary || takesBinary) return undefined
  return refusal === 400 ? new EdgewardError('REMOTE_REJECTED', 'no bytes', { details: { status: 400 } }) : blocked
}

const nameOf = ({ binary, asksLoad }: Manner) => `${binary ? 'bytes' : 'json'}${asksLoad ? '+load' : ''}`

/** How each of some requests was tried. */
function triesOf(
  server: Server,
  requests: number,
  manners = new Manners({ binary: true, asksLoad: true }),
): string[][] {
  return Array.from({ length: requests }, () => {
    const tries: string[] = []
    for (let manner: Manner | undefined = manners.first(); manner !== undefined;) {
      tries.push(nameOf(manner))
      const failure = failureOf(server, manner)
      if (failure === undefined) manners.worked(manner)
      manner = failure && manners.instead(manner, failure)
    }
    return tries
  })
}

describe('an endpoint', () => {
  it('that takes everything is asked once each time', () => {
    expect(triesOf({ takesBinary: true, takesLoad: true }, 2)).toEqual([['bytes+load'], ['bytes+load']])
  })

  it('whose CORS refuses the header is found out by one request more, and keeps its bytes', () => {
    expect(triesOf({ takesBinary: true, takesLoad: false }, 2)).toEqual([['bytes+load', 'bytes'], ['bytes']])
  })

  it('that refuses bytes with a status is asked for its load from the start', () => {
    const server = { takesBinary: false, takesLoad: true, refusal: 400 } as const
    expect(triesOf(server, 2)).toEqual([['bytes+load', 'json+load'], ['json+load']])
  })

  it('that refuses bytes without an answer is asked for its load by the second request', () => {
    const server = { takesBinary: false, takesLoad: true, refusal: 'network' } as const
    expect(triesOf(server, 3)).toEqual([['bytes+load', 'bytes', 'json'], ['json+load'], ['json+load']])
  })

  it.each(['network', 400] as const)('that refuses both (bytes by: %s) has one more try a step', (refusal) => {
    const server = { takesBinary: false, takesLoad: false, refusal }
    expect(triesOf(server, 3)).toEqual([['bytes+load', 'bytes', 'json'], ['json+load', 'json'], ['json']])
  })

  it('that is dead is tried thrice at most, and once when it answered before', () => {
    const dead = { takesBinary: true, takesLoad: true, isDead: true }
    expect(triesOf(dead, 2)).toEqual([
      ['bytes+load', 'bytes', 'json'],
      ['bytes+load', 'bytes', 'json'],
    ])
    const manners = new Manners({ binary: true, asksLoad: true })
    triesOf({ takesBinary: true, takesLoad: true }, 1, manners)
    expect(triesOf(dead, 1, manners)).toEqual([['bytes+load']])
  })

  it('is not asked for what its options leave out', () => {
    const server = { takesBinary: true, takesLoad: true }
    expect(triesOf(server, 1, new Manners({ binary: false, asksLoad: false }))).toEqual([['json']])
    expect(triesOf({ ...server, isDead: true }, 1, new Manners({ binary: false, asksLoad: true }))).toEqual([
      ['json+load', 'json'],
    ])
  })

  it.each([
    ['time that ran out', new EdgewardError('REMOTE_UNREACHABLE', 'late', { details: { reason: 'timeout' } })],
    ['being offline', new EdgewardError('REMOTE_UNREACHABLE', 'offline', { details: { reason: 'offline' } })],
    [
      'an answer that broke off',
      new EdgewardError('REMOTE_UNREACHABLE', '', { details: { reason: 'network', status: 200 } }),
    ],
    ['an overload', new EdgewardError('REMOTE_OVERLOADED', 'full', { details: { status: 503 } })],
    ['an abort', new DOMException('gone', 'AbortError')],
  ])('is not tried in another manner after %s', (_name, failure) => {
    const manners = new Manners({ binary: true, asksLoad: true })
    expect(manners.instead(manners.first(), failure)).toBeUndefined()
  })

  it('that answers a request with everything takes it, though another one was lost on its way meanwhile', () => {
    const manners = new Manners({ binary: true, asksLoad: true })
    const everything = manners.first()
    const less = manners.instead(everything, blocked)
    const least = less && manners.instead(less, blocked)
    expect(least).toEqual({ binary: false, asksLoad: false })
    if (least) manners.worked(least)
    if (less) manners.worked(less)
    expect(manners.first()).toEqual({ binary: true, asksLoad: false })
    manners.worked(everything)
    expect(manners.first()).toEqual(everything)
  })

  it('that refused one request for its load by a status has shown that it may be asked', () => {
    const manners = new Manners({ binary: true, asksLoad: true })
    const full = new EdgewardError('REMOTE_OVERLOADED', 'full', { details: { status: 503 } })
    manners.instead(manners.first(), full)
    expect(manners.instead(manners.first(), blocked)).toEqual({ binary: false, asksLoad: true })
  })
})
