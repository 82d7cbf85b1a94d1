/** The ways in which a server, or the way to it, fails. */
import { setTimeout as delay } from 'node:timers/promises'
import { send, type Misbehaviour } from './front.js'

/** So that a page of another origin may read what we make up. */
const readable = { 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' }

/** Closes the connection without an answer. */
export const refuses: Misbehaviour = (_, response) => void response.destroy()

/** Takes the request and never answers. */
export const hangs: Misbehaviour = () => undefined

/** Answers with a status and nothing that is of use. */
export function answersStatus(status: number, headers: Readonly<Record<string, string>> = {}): Misbehaviour {
  return (_, response) =>
    send(response, { status, headers: { ...readable, ...headers }, body: Buffer.from(`status ${status}`) })
}

/** Answers 200 with a page, as servers of single-page applications do; `cacheControl` lets browsers keep it. */
export function answersPage(cacheControl = 'no-store'): Misbehaviour {
  const body = Buffer.from('<!doctype html><title>App</title><p>Not the file.</p>')
  const headers = { ...readable, 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': cacheControl }
  return (_, response) => send(response, { status: 200, headers, body })
}

/** Promises the whole answer and cuts the connection after a share of it. */
export function cutsAfter(share: number): Misbehaviour {
  return async (honest, response) => {
    const { status, headers, body } = await honest()
    response.writeHead(status, { ...headers, 'Content-Length': body.length })
    response.write(body.subarray(0, Math.floor(body.length * share)), () => response.destroy())
  }
}

/** The right length, and nothing but zeros. */
export const sendsZeros: Misbehaviour = async (honest, response) => {
  const reply = await honest()
  send(response, { ...reply, body: Buffer.alloc(reply.body.length) })
}

/** The right status and headers, with a body that no protocol knows. */
export const sendsGarbage: Misbehaviour = async (honest, response) => {
  const reply = await honest()
  send(response, { ...reply, body: Buffer.from('\u0000\u0001garbage{') })
}

/** Answers as it should, later. */
export function answersAfter(ms: number): Misbehaviour {
  return async (honest, response) => {
    const reply = await honest()
    await delay(ms)
    send(response, reply)
  }
}

/** Answers as it should, when it is let go. */
export function holdsBack(): { readonly how: Misbehaviour; release(): void } {
  const held: (() => void)[] = []
  let isReleased = false
  return {
    async how(honest, response) {
      const reply = await honest()
      if (!isReleased) await new Promise<void>((resolve) => held.push(resolve))
      send(response, reply)
    },
    release() {
      isReleased = true
      for (const letGo of held.splice(0)) letGo()
    },
  }
}
