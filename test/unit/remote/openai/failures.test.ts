/** Every way in which a streamed answer can fail, over a real HTTP server; and what is no failure. */
import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createDeferred, type Deferred } from '../../../../packages/sdk/src/shared/index.js'
import { chat, delta, engineAt, engineWith, eventOf, eventsOf, finish, sending, streamOf, textOf } from './engine.js'

const streamHead = { 'Content-Type': 'text/event-stream' }

/** Begins an answer, and leaves its end to the test. */
const beginning = (then: (response: ServerResponse) => void) => (_: unknown, response: ServerResponse) => {
  response.writeHead(200, streamHead)
  response.write(eventOf(delta('Hello')), () => then(response))
}

const refused = async (...events: (string | object)[]) => {
  const error: unknown = await eventsOf(await engineWith(sending(...events))).catch((thrown: unknown) => thrown)
  return error
}

describe('a stream is no answer when it', () => {
  it.each([
    [
      'tells of an error',
      [delta('Hi'), { error: { message: 'CUDA is lost', code: 500 } }],
      'REMOTE_FAILED',
      'CUDA is lost',
    ],
    ['tells of an error behind its end', [delta('Hi'), finish('stop'), { error: 'late' }], 'REMOTE_FAILED', 'late'],
    ['tells of too many requests', [{ error: { message: 'busy', code: 429 } }], 'REMOTE_OVERLOADED', 'busy'],
    [
      'tells that the prompt is too long',
      [{ error: { message: 'too long', type: 'exceed_context_size_error', code: 400 } }],
      'CONTEXT_OVERFLOW',
      'too long',
    ],
    ['says [DONE] without a reason', [delta('Hi'), '[DONE]'], 'REMOTE_FAILED', 'without a reason to end'],
    ['ends without a reason', [delta('Hi')], 'REMOTE_FAILED', 'cut off'],
    ['has no event', [], 'REMOTE_FAILED', 'without having answered'],
    ['was aborted over there', [delta('Hi'), finish('abort'), '[DONE]'], 'REMOTE_FAILED', '"abort"'],
    ['failed over there', [delta('Hi'), finish('error'), '[DONE]'], 'REMOTE_FAILED', '"error"'],
    ['was filtered', [delta('Hi'), finish('content_filter'), '[DONE]'], 'REMOTE_REJECTED', '"content_filter"'],
    ['has an event that is not JSON', [delta('Hi'), '{"choices":[{'], 'REMOTE_MALFORMED', 'not JSON'],
    ['has an event of something else', [{ hello: 'world' }], 'REMOTE_MALFORMED', 'event.choices'],
    ['has text behind its end', [delta('Hi'), finish('stop'), delta('!')], 'REMOTE_MALFORMED', 'after the end'],
    ['has two ends', [delta('Hi'), finish('stop'), finish('length')], 'REMOTE_MALFORMED', 'two reasons'],
    ['is of several answers', [delta('Hi', { index: 1 })], 'REMOTE_MALFORMED', 'several answers'],
    ['has a text that is none', [{ choices: [{ delta: { content: 7 } }] }], 'REMOTE_MALFORMED', 'must be a string'],
  ])('%s', async (_, events, code, message) => {
    expect(await refused(...events)).toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
      details: expect.objectContaining({}) as object,
    })
  })

  it.each([
    [
      'text/html',
      '<!doctype html><h1>Sign in</h1>',
      'REMOTE_MALFORMED',
      'text/html instead of a stream: <!doctype html>',
    ],
    ['application/json', '{"error":{"message":"no such slot","code":503}}', 'REMOTE_OVERLOADED', 'no such slot'],
    ['application/json', '{"choices":[]}', 'REMOTE_MALFORMED', 'application/json instead of a stream'],
  ])('is %s: %s', async (type, body, code, message) => {
    const engine = await engineWith((_, response) => response.writeHead(200, { 'Content-Type': type }).end(body))
    await expect(eventsOf(engine)).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string })
  })

  it('breaks off', async () => {
    const engine = await engineWith(beginning((response) => response.destroy()))
    await expect(eventsOf(engine)).rejects.toMatchObject({
      code: 'REMOTE_UNREACHABLE',
      details: { reason: 'network', status: 200 },
    })
  })

  it('is silent for too long, once it has begun', async () => {
    const engine = await engineWith(
      beginning(() => undefined),
      { stallMs: 50 },
    )
    await expect(eventsOf(engine)).rejects.toMatchObject({
      code: 'REMOTE_UNREACHABLE',
      details: { reason: 'timeout', timeoutMs: 50 },
    })
  })

  it('does not begin in time', async () => {
    const engine = await engineWith(() => undefined, { timeoutMs: 50, stallMs: 60_000 })
    await expect(eventsOf(engine)).rejects.toMatchObject({ code: 'REMOTE_UNREACHABLE', details: { reason: 'timeout' } })
  })

  it('goes on beyond the deadline', async () => {
    const engine = await engineWith(beginning(() => undefined))
    const request = chat({ deadlineAt: performance.now() + 100 })
    await expect(eventsOf(engine, request)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  })

  it('comes from nobody', async () => {
    await expect(eventsOf(engineAt('http://127.0.0.1:1'))).rejects.toMatchObject({
      code: 'REMOTE_UNREACHABLE',
      details: { url: 'http://127.0.0.1:1/v1/chat/completions' },
    })
  })
})

describe('a stream is an answer although it', () => {
  it.each([
    ['does not say [DONE]', [delta('Hi'), finish('stop')]],
    [
      'counts in an event of its own',
      [delta('Hi'), finish('stop'), { choices: [], usage: { prompt_tokens: 3 } }, '[DONE]'],
    ],
    [
      'counts what is no number',
      [delta('Hi'), finish('stop'), { choices: [], usage: { prompt_tokens: -1 } }, '[DONE]'],
    ],
    ['has a reason that is empty, until it has one', [delta('Hi', { finish_reason: '' }), finish('stop'), '[DONE]']],
    ['ends with its last text', [delta('Hi', { finish_reason: 'stop' }), '[DONE]']],
    ['begins with comments and fields of its own', ['', delta('Hi'), finish('stop'), '[DONE]']],
  ])('%s', async (_, events) => {
    const engine = await engineWith((__, response) => {
      response.writeHead(200, streamHead)
      response.write(': keep-alive\n\nx-note: 1\n')
      for (const event of events) if (event !== '') response.write(eventOf(event))
      response.end()
    })
    const told = await eventsOf(engine)
    expect(textOf(told)).toBe('Hi')
    expect(told.at(-1)).toMatchObject({ type: 'finish', reason: 'stop' })
  })

  it('breaks off behind its end', async () => {
    const engine = await engineWith((_, response) => {
      response.writeHead(200, streamHead)
      response.write(eventOf(delta('Hi')) + eventOf(finish('stop')), () => response.destroy())
    })
    expect((await eventsOf(engine)).at(-1)).toMatchObject({ type: 'finish', reason: 'stop' })
  })

  it('lacks the last blank line', async () => {
    const engine = await engineWith((_, response) => {
      response.writeHead(200, streamHead).end(`${eventOf(delta('Hi'))}${eventOf(finish('stop')).trimEnd()}`)
    })
    expect((await eventsOf(engine)).at(-1)).toMatchObject({ type: 'finish' })
  })
})

describe('characters', () => {
  it('are whole wherever the bytes are cut', async () => {
    const bytes = Buffer.from(eventOf(delta('日本語 🦉 é')) + eventOf(finish('stop')))
    const engine = await engineWith((_, response) => {
      response.writeHead(200, streamHead)
      void (async () => {
        for (const byte of bytes) await new Promise<void>((sent) => response.write(Buffer.of(byte), () => sent()))
        response.end()
      })()
    })
    expect(textOf(await eventsOf(engine))).toBe('日本語 🦉 é')
  })

  it('are not told in halves, nor are their tokens', async () => {
    const engine = await engineWith(
      sending(
        '{"choices":[{"delta":{"content":"a\\ud83e"},"token_ids":[1,2]}]}',
        '{"choices":[{"delta":{"content":"\\udd89b"},"token_ids":[3]}]}',
        delta('c', { token_ids: [4] }),
        finish('stop'),
      ),
    )
    const deltas = (await eventsOf(engine)).filter(({ type }) => type === 'delta')
    expect(deltas).toEqual([
      { type: 'delta', text: 'a🦉b', tokenIds: [1, 2, 3] },
      { type: 'delta', text: 'c', tokenIds: [4] },
    ])
  })

  it('are not told as U+FFFD when they are completed', async () => {
    const engine = await engineWith(sending(delta('a\ufffd'), delta('\ufffd'), delta('🦉'), delta('!'), finish('stop')))
    expect(textOf(await eventsOf(engine))).toBe('a🦉!')
  })

  it('stay as they are when nothing completes them', async () => {
    const engine = await engineWith(sending('{"choices":[{"delta":{"content":"a\\ud83e"}}]}', finish('stop')))
    expect(textOf(await eventsOf(engine))).toBe('a\ufffd')
  })
})

describe('what the server has read out of the text', () => {
  it('is told as reasoning and calls; ids are not told from there on', async () => {
    const call = (more: object) => ({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...more }] } }] })
    const engine = await engineWith(
      sending(
        { choices: [{ index: 0, delta: { role: 'assistant', reasoning_content: 'Hm.' } }] },
        delta('Yes.', { token_ids: [5] }),
        call({ id: 'call_1', function: { name: 'look', arguments: '' } }),
        call({ function: { arguments: '{"at":1}' } }),
        finish('tool_calls'),
      ),
    )
    expect(await eventsOf(engine)).toEqual([
      { type: 'start', format: {} },
      { type: 'reasoning', text: 'Hm.' },
      { type: 'delta', text: 'Yes.' },
      { type: 'tool-call', call: 0, id: 'call_1', name: 'look', arguments: '' },
      { type: 'tool-call', call: 0, arguments: '{"at":1}' },
      expect.objectContaining({ type: 'finish', reason: 'tool-calls' }),
    ])
  })
})

describe('the connection', () => {
  const closing = (sent: Deferred<undefined>) =>
    beginning((response) => response.once('close', () => sent.resolve(undefined)))

  it('ends at once when the caller aborts, with the reason', async () => {
    const closed = createDeferred<undefined>()
    const caller = new AbortController()
    const reader = streamOf(await engineWith(closing(closed)), chat(), caller.signal).getReader()
    await reader.read()
    const next = reader.read().then(() => reader.read())
    caller.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
    await closed.promise
    expect(caller.signal.aborted).toBe(true)
  })

  it('ends when the reader stops', async () => {
    const closed = createDeferred<undefined>()
    const reader = streamOf(await engineWith(closing(closed))).getReader()
    await reader.read()
    await reader.cancel()
    await expect(closed.promise).resolves.toBeUndefined()
  })

  it('ends when the engine does, with DISPOSED', async () => {
    const closed = createDeferred<undefined>()
    const engine = await engineWith(closing(closed))
    const reader = streamOf(engine).getReader()
    await reader.read()
    const rest = reader.read().then(() => reader.read())
    await engine.dispose()
    await expect(rest).rejects.toMatchObject({ code: 'DISPOSED' })
    await closed.promise
  })

  it('is not made before somebody reads', async () => {
    let requests = 0
    const engine = await engineWith((_, response) => {
      requests += 1
      response.writeHead(200, streamHead).end(eventOf(delta('Hi')) + eventOf(finish('stop')))
    })
    const stream = streamOf(engine)
    await new Promise((resolve) => setImmediate(resolve))
    expect(requests).toBe(0)
    await stream.getReader().read()
    expect(requests).toBe(1)
  })
})
