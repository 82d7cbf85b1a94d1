/** Stands before an endpoint, and breaks one of its streams when it is told to. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { listen, type Server } from './site.js'

/**
 * How a stream breaks behind its last whole event: the connection is `cut`, also in the middle of the next event (`torn`); an
 * `error` event; a `finish_reason` of `abort`; `[DONE]` without any (`done`); or nothing more comes (`stalled`).
 */
export type Break = 'cut' | 'torn' | 'error' | 'abort' | 'done' | 'stalled'

export const breaks: readonly Break[] = ['cut', 'torn', 'error', 'abort', 'done', 'stalled']

export interface BreakingFront extends Server {
  /** The next stream breaks so, once so many of its events had text. */
  breakAfter(events: number, how: Break): void
  /** The next stream does not break, whatever was said before. Whether one has since then. */
  heal(): boolean
}

interface Planned {
  readonly how: Break
  left: number
}

/** @param base - the endpoint's address */
export async function startBreakingFront(base: string): Promise<BreakingFront> {
  let planned: Planned | undefined
  let hasBroken = false
  const server = await listen(async (request, response) => {
    const answer = await forward(base, request)
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    const isStream = answer.headers['content-type']?.startsWith('text/event-stream') === true
    const plan = isStream ? planned : undefined
    if (plan === undefined) {
      answer.pipe(response)
      response.on('close', () => answer.destroy())
      return
    }
    planned = undefined
    hasBroken = (await passOn(answer, response, plan)) || hasBroken
  })
  return {
    ...server,
    breakAfter: (events, how) => {
      hasBroken = false
      planned = { how, left: events }
    },
    heal: () => {
      planned = undefined
      return hasBroken
    },
  }
}

async function forward(base: string, request: IncomingMessage): Promise<IncomingMessage> {
  const body = await buffer(request)
  const { method, headers, url = '/' } = request
  return new Promise((resolve, reject) => {
    httpRequest(new URL(url, base), { method, headers }, resolve).on('error', reject).end(body)
  })
}

/** Whether it broke before its end. */
async function passOn(answer: IncomingMessage, response: ServerResponse, plan: Planned): Promise<boolean> {
  answer.setEncoding('utf8')
  let rest = ''
  for await (const text of answer as AsyncIterable<string>) {
    const events = `${rest}${text}`.split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) {
      if (plan.left === 0) {
        answer.destroy()
        breakOff(response, plan.how, event)
        return true
      }
      response.write(`${event}\n\n`)
      if (hasText(event)) plan.left -= 1
    }
  }
  response.end(rest)
  return false
}

function breakOff(response: ServerResponse, how: Break, next: string): void {
  const end = (event: object) => response.end(`data: ${JSON.stringify(event)}\n\ndata: [DONE]\n\n`)
  const cut = (last: string) => response.write(last, () => response.destroy())
  const ways: Readonly<Record<Break, () => void>> = {
    cut: () => cut('\n'),
    torn: () => cut(next.slice(0, Math.ceil(next.length / 2))),
    error: () => end({ error: { message: 'The engine has stopped.', type: 'server_error', code: 500 } }),
    abort: () => end({ choices: [{ index: 0, delta: {}, text: '', finish_reason: 'abort' }] }),
    done: () => response.end('data: [DONE]\n\n'),
    // The client leaves.
    stalled: () => undefined,
  }
  ways[how]()
}

function hasText(event: string): boolean {
  const json = event.replace(/^data: /, '')
  if (!json.startsWith('{')) return false
  const { choices } = JSON.parse(json) as { choices?: { delta?: { content?: string }; text?: string }[] } // Edgeward's endpoint sends it.
  const [choice] = choices ?? []
  return (choice?.delta?.content ?? choice?.text ?? '') !== ''
}
