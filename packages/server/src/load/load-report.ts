/**
 * The load report that a client asks for with its request, in the format of ORCA (Open Request Cost Aggregation) that
 * Triton and vLLM also speak: https://github.com/cncf/xds/blob/main/xds/data/orca/v3/orca_load_report.proto
 */

/** The request's header: `text` or `json`. */
export const loadFormatHeader = 'endpoint-load-metrics-format'

/** The answer's header. */
export const loadReportHeader = 'endpoint-load-metrics'

/** What is not known yet is undefined, and left out of the header. The names are ORCA's. */
export interface LoadReport {
  /** Share of the processors that this process may use, over the last second or more. */
  readonly cpu_utilization: number | undefined
  /** Share of the memory that this process may use, 0 to 1. */
  readonly mem_utilization: number
  /** Inference requests answered a second, failures included, over the same time as `cpu_utilization`. */
  readonly rps_fractional: number | undefined
  /** Those of them that failed by the endpoint's fault or load (status 500 and above), a second. */
  readonly eps: number | undefined
  /** How full the model's queue is, what runs included; 1: the next request is refused. */
  readonly application_utilization: number
  /** ORCA leaves these names to the application. */
  readonly named_metrics: {
    /** Requests that wait for the model. */
    readonly queue_length: number
    /** Requests that the model works on. */
    readonly requests_running: number
    /** Mean time of the model's recent runs, in seconds. */
    readonly run_seconds: number | undefined
    /** How long a request that came now would wait for its turn, in seconds, if runs take `run_seconds`. */
    readonly expected_wait_seconds: number | undefined
  }
}

export type LoadFormat = 'text' | 'json'

/** What the request's header asks for. Another format is ignored, as Triton and vLLM do; vLLM takes any letter case. */
export function readLoadFormat(value: string | readonly string[] | undefined): LoadFormat | undefined {
  const format = typeof value === 'string' ? value.toLowerCase() : undefined
  return format === 'text' || format === 'json' ? format : undefined
}

/** The header's value: the format's name, a blank, and the metrics. */
export function formatLoadReport(report: LoadReport, format: LoadFormat): string {
  return format === 'json' ? `JSON ${toJson(report)}` : `TEXT ${toText(report)}`
}

function toJson(report: LoadReport): string {
  return JSON.stringify(report, (_name, value: unknown) => (typeof value === 'number' ? round(value) : value))
}

/** Those inside a map have its name before theirs. */
function toText({ named_metrics: named, ...own }: LoadReport): string {
  return [...pairs('', own), ...pairs('named_metrics.', named)].join(', ')
}

/** `name=value` for each metric that is known. */
function pairs(prefix: string, metrics: Readonly<Record<string, number | undefined>>): string[] {
  return Object.entries(metrics).flatMap(([name, value]) =>
    value === undefined ? [] : [`${prefix}${name}=${round(value)}`],
  )
}

/** To six decimals, as Triton does; that also keeps exponents out, which not every parser reads. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6
}
