/** What a caller may say about a collector, and what holds when they do not. */
import type { Trace } from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'
import type { AppAttributes } from './otlp-spans.js'

export interface CollectorOptions {
  /** Where the collector takes traces over OTLP/HTTP, such as `https://collector.example/v1/traces`; relative to the page. */
  readonly url: string | URL
  /** The app's name, as `service.name`. */
  readonly serviceName: string
  /** Sent with every batch. A beacon cannot carry any: with headers, what is left when the page goes is sent by `fetch`. */
  readonly headers?: Readonly<Record<string, string>>
  /** The share of traces, 0 to 1, that is sent; decided by the trace's id. Default: {@link collectorDefaults}. */
  readonly sampleRatio?: number
  /** How many traces make a batch. Default: {@link collectorDefaults}. */
  readonly maxBatch?: number
  /** How long a trace waits for others before it is sent, in milliseconds. Default: {@link collectorDefaults}. */
  readonly intervalMs?: number
  /** More attributes of the app: `service.version`, `deployment.environment.name`, … */
  readonly resource?: AppAttributes
  /** Attributes for the span of a request. Whatever of the input or the output is to be told has to be told here. */
  readonly attributes?: (trace: Trace) => AppAttributes
  /** Hears how many traces were just lost: the collector did not take them, or too many waited. */
  readonly onDropped?: (traces: number) => void
}

/** The defaults of {@link CollectorOptions}. */
export const collectorDefaults = Object.freeze({ sampleRatio: 1, maxBatch: 64, intervalMs: 5_000 })

/** @throws EdgewardError INVALID_OPTION */
export function checkCollectorOptions(options: CollectorOptions): URL {
  const { url, serviceName, sampleRatio = 0, maxBatch = 1, intervalMs = 0 } = options
  const base = globalThis.document?.baseURI
  if (!URL.canParse(String(url), base)) throw invalid('url', url, 'the address of a collector')
  if (typeof serviceName !== 'string' || serviceName === '') throw invalid('serviceName', serviceName, "the app's name")
  if (!(sampleRatio >= 0 && sampleRatio <= 1)) throw invalid('sampleRatio', sampleRatio, 'a number from 0 to 1')
  if (!(Number.isInteger(maxBatch) && maxBatch > 0)) throw invalid('maxBatch', maxBatch, 'a whole number from 1')
  if (!(intervalMs >= 0)) throw invalid('intervalMs', intervalMs, 'milliseconds from 0')
  return new URL(url, base)
}

function invalid(name: keyof CollectorOptions, value: unknown, expected: string): EdgewardError {
  return new EdgewardError('INVALID_OPTION', `exportToCollector: ${name} is ${String(value)}; expected ${expected}`)
}
