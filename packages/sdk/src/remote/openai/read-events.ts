/** Reads an answer as server-sent events, whose data are JSON. */
import { createParser } from 'eventsource-parser'
import { EdgewardError } from '../../errors/index.js'
import type { EndpointStream } from '../endpoint.js'
import { Field } from '../oip/field.js'

/** Characters of one event: more is no event of a text. */
const maxEventLength = 4 * 1024 * 1024
const doneMark = '[DONE]'

/**
 * The data of each event; ends at `[DONE]` or with the answer.
 *
 * @returns whether `[DONE]` came
 * @throws as the chunks do; EdgewardError `REMOTE_MALFORMED` for what is not JSON
 */
export async function* readEvents({ chunks, url }: EndpointStream): AsyncGenerator<Field, boolean> {
  const decoder = new TextDecoder()
  const data: string[] = []
  const parser = createParser({
    onEvent: (event) => data.push(event.data),
    onError(error) {
      // Fields that the standard does not know are to be passed over.
      if (error.type === 'max-buffer-size-exceeded') throw malformed(url, 'an event without end')
    },
    maxBufferSize: maxEventLength,
  })
  for await (const chunk of chunks) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    for (const text of data.splice(0)) {
      if (text.trim() === doneMark) return true
      yield parse(text, url)
    }
  }
  // Some servers leave out the last event's blank line.
  parser.feed(`${decoder.decode()}\n\n`)
  for (const text of data) {
    if (text.trim() === doneMark) return true
    yield parse(text, url)
  }
  return false
}

function parse(text: string, url: string): Field {
  try {
    return new Field(JSON.parse(text), 'event', 'REMOTE_MALFORMED')
  } catch (cause) {
    throw malformed(url, `an event that is not JSON: ${JSON.stringify(text.slice(0, 80))}`, cause)
  }
}

function malformed(url: string, what: string, cause?: unknown): EdgewardError {
  return new EdgewardError('REMOTE_MALFORMED', `${url} sent ${what}`, { details: { url }, cause })
}
