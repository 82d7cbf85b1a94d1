/** The log for people: one short line for each of the logger's JSON lines. */
import { Writable } from 'node:stream'

const levels: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }

/** A stream that takes the logger's JSON lines and writes them to `target` in words. */
export function textLog(target: Writable): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      target.write(`${describeLine(line.toString())}\n`, () => done())
    },
  })
}

function describeLine(line: string): string {
  // The logger writes one JSON object a line.
  const entry = JSON.parse(line) as Record<string, unknown>
  const { level, time, msg, requestId, method, path, status, durationMs, err } = entry
  const clock = new Date(Number(time)).toISOString().slice(11, 19)
  const request = method === undefined ? '' : ` ${text(method)} ${text(path)} ${text(status)} in ${text(durationMs)} ms`
  const id = requestId === undefined ? '' : ` [${text(requestId)}]`
  const reason = isRecord(err) ? `: ${text(err['message'])}` : ''
  return `${clock} ${(levels[Number(level)] ?? 'info').padEnd(5)} ${text(msg)}${request}${reason}${id}`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
