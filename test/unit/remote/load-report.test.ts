/** What is understood of the load reports that servers really send, and of those that nobody should. */
import { describe, expect, it } from 'vitest'
import { formatLoadReport } from '../../../packages/server/src/load/load-report.js'
import { readLoadReport } from '../../../packages/sdk/src/remote/load-report.js'

const read = (header: string) => readLoadReport(new Headers({ 'Endpoint-Load-Metrics': header }))

describe('a load report', () => {
  it.each(['json', 'text'] as const)('of our own endpoint, as %s, is read by the reader', (format) => {
    const report = {
      cpu_utilization: 0.3,
      mem_utilization: 0.02,
      rps_fractional: 21.5,
      eps: 0,
      application_utilization: 0.25,
      named_metrics: { queue_length: 15, requests_running: 1, run_seconds: 0.0425, expected_wait_seconds: 0.68 },
    }
    expect(read(formatLoadReport(report, format))).toEqual({ utilization: 0.25, expectedWaitMs: 680 })
  })

  it.each([
    ["Triton's", 'JSON {"named_metrics":{"kv_cache_utilization":0.12,"max_token_capacity":9000}}', 0.12],
    ["Triton's in text", 'TEXT named_metrics.kv_cache_utilization=0.12, named_metrics.max_token_capacity=9000', 0.12],
    ["vLLM's", 'JSON {"named_metrics": {"kv_cache_usage_perc": 0.4, "num_requests_waiting": 3}}', 0.4],
    ["vLLM's in text", 'TEXT named_metrics.kv_cache_usage_perc=0.4, named_metrics.num_requests_waiting=3', 0.4],
    ["Envoy's text", 'TEXT cpu_utilization:0.7,named_metrics.x:1', 0.7],
    ['one of an overloaded server', 'json {"application_utilization":1.5,"cpu_utilization":0.1}', 1.5],
    ['one of an idle server', 'TEXT application_utilization=0, cpu_utilization=0.9', 0],
  ])('%s is understood', (_name, header, utilization) => {
    expect(read(header)).toEqual({ utilization })
  })

  it.each([
    '',
    'JSON',
    'JSON {',
    'JSON null',
    'JSON 7',
    'JSON []',
    'JSON {"cpu_utilization":"0.5"}',
    'JSON {"cpu_utilization":-1}',
    'JSON {"cpu_utilization":1e999}',
    'JSON {"named_metrics":null}',
    'JSON {"named_metrics":{"expected_wait_seconds":1}}',
    'TEXT',
    'TEXT cpu_utilization',
    'TEXT cpu_utilization=',
    'TEXT cpu_utilization=NaN',
    'TEXT =0.5',
    'BIN AAAA',
    '{"cpu_utilization":0.5}',
  ])('that is "%s" says nothing', (header) => {
    expect(read(header)).toBeUndefined()
  })

  it('that is not there says nothing', () => {
    expect(readLoadReport(new Headers())).toBeUndefined()
  })
})
