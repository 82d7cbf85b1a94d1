/**
 * Reads what endpoints say of their load, in ORCA's format: ours, Triton's and vLLM's differ in the metrics that they send
 * (https://github.com/cncf/xds/blob/main/xds/data/orca/v3/orca_load_report.proto).
 */

/** The request's header that asks for it. */
export const loadFormatHeader = 'endpoint-load-metrics-format'

/** The answer's header. */
const loadReportHeader = 'endpoint-load-metrics'

/** How loaded an endpoint says that it is. */
export interface ReportedLoad {
  /** 0 to 1, and above when it is overloaded. */
  readonly utilization: number
  /** How long a request that comes now would wait, in milliseconds. */
  readonly expectedWaitMs?: number
}

/** Hears of the load of an endpoint, by its address, with answers and refusals. */
export type OnLoad = (endpoint: string, load: ReportedLoad) => void

/** Best first. A server whose work is on a GPU is told least by its processors. */
const utilizationNames = ['application_utilization', 'kv_cache_utilization', 'kv_cache_usage_perc', 'cpu_utilization']

/** Undefined where there is none, or none that can be understood: nothing depends on it. */
export function readLoadReport(headers: Headers): ReportedLoad | undefined {
  const [, format, text] = /^(TEXT|JSON)\s+(.*)$/is.exec(headers.get(loadReportHeader)?.trim() ?? '') ?? []
  if (format === undefined || text === undefined) return undefined
  const metrics = format.toUpperCase() === 'JSON' ? parseJson(text) : parseText(text)
  const utilization = utilizationNames.map((name) => metrics.get(name)).find((value) => value !== undefined)
  if (utilization === undefined) return undefined
  const waitSeconds = metrics.get('expected_wait_seconds')
  return { utilization, ...(waitSeconds !== undefined && { expectedWaitMs: waitSeconds * 1000 }) }
}

/** By their names; those inside `named_metrics` stand beside the others. */
type Metrics = ReadonlyMap<string, number>

function parseJson(text: string): Metrics {
  try {
    const { named_metrics: named, ...own } = JSON.parse(text) as Record<string, unknown>
    return metricsOf([...Object.entries(own), ...Object.entries(named ?? {})])
  } catch {
    // Not JSON, or not an object: it says nothing.
    return new Map()
  }
}

/** `name=value`, as Triton and vLLM write, or `name:value`, as Envoy reads. */
function parseText(text: string): Metrics {
  const pairs = text.split(',').map((pair) => pair.trim().split(/\s*[=:]\s*/))
  return metricsOf(pairs.map(([name = '', value = '']) => [name.replace(/^named_metrics\./, ''), toNumber(value)]))
}

function metricsOf(entries: readonly (readonly [string, unknown])[]): Metrics {
  return new Map(entries.filter((entry): entry is [string, number] => isMetric(entry[1])))
}

/** An empty text is no number, though JavaScript takes it for 0. */
function toNumber(text: string): number {
  return text === '' ? NaN : Number(text)
}

function isMetric(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
