/** The load report: its two formats, letter by letter, and what is measured, with a clock of the test's own. */
import { describe, expect, it } from 'vitest'
import { formatLoadReport, readLoadFormat } from '../../../packages/server/src/load/load-report.js'
import { parseCpuQuota } from '../../../packages/server/src/load/machine.js'
import { ProcessLoad } from '../../../packages/server/src/load/process-load.js'
import { RecentMean } from '../../../packages/server/src/load/recent-mean.js'

const report = {
  cpu_utilization: 0.3,
  mem_utilization: 1 / 3,
  rps_fractional: 10,
  eps: 1e-9,
  application_utilization: 0.25,
  named_metrics: { queue_length: 15, requests_running: 1, run_seconds: 0.0425, expected_wait_seconds: 0.68 },
}

/** A process whose clock and use the test turns. */
function fakeProcess() {
  const used = { seconds: 100, cpu: 7, bytes: 250 }
  const load = new ProcessLoad({
    nowSeconds: () => used.seconds,
    cpuSeconds: () => used.cpu,
    residentBytes: () => used.bytes,
    cpus: 4,
    memoryBytes: 1000,
  })
  return { load, used }
}

describe('formats', () => {
  it('text is as Triton documents it, with six decimals at most and no exponents', () => {
    expect(formatLoadReport(report, 'text')).toBe(
      'TEXT cpu_utilization=0.3, mem_utilization=0.333333, rps_fractional=10, eps=0, application_utilization=0.25, ' +
        'named_metrics.queue_length=15, named_metrics.requests_running=1, named_metrics.run_seconds=0.0425, ' +
        'named_metrics.expected_wait_seconds=0.68',
    )
  })

  it('json says the same, with the named metrics in a map', () => {
    const header = formatLoadReport(report, 'json')
    expect(header).toMatch(/^JSON \{"cpu_utilization":0\.3,/)
    expect(JSON.parse(header.slice('JSON '.length))).toEqual({ ...report, mem_utilization: 0.333333, eps: 0 })
  })

  it('what is not known is left out', () => {
    const unknown = {
      ...report,
      cpu_utilization: undefined,
      named_metrics: { ...report.named_metrics, run_seconds: undefined },
    }
    for (const format of ['text', 'json'] as const) {
      const header = formatLoadReport(unknown, format)
      expect(header).not.toMatch(/cpu_utilization|run_seconds|null|undefined/)
      expect(header).toContain('expected_wait_seconds')
    }
  })

  it.each([
    ['text', 'text'],
    ['TEXT', 'text'],
    ['Json', 'json'],
    ['bin', undefined],
    ['', undefined],
    ['text, json', undefined],
    [['text'], undefined],
    [undefined, undefined],
  ])('the request header %j asks for %s', (value, format) => {
    expect(readLoadFormat(value)).toBe(format)
  })
})

describe('process load', () => {
  it('is the mean since the reading before, not since the start', () => {
    const { load, used } = fakeProcess()
    used.seconds += 10
    used.cpu += 20
    for (const status of [200, 200, 400, 500, 503]) load.countAnswer(status)
    expect(load.read()).toEqual({
      cpuUtilization: 0.5,
      memUtilization: 0.25,
      requestsPerSecond: 0.5,
      errorsPerSecond: 0.2,
    })

    used.seconds += 2
    used.bytes = 500
    load.countAnswer(200)
    expect(load.read()).toEqual({
      cpuUtilization: 0,
      memUtilization: 0.5,
      requestsPerSecond: 0.5,
      errorsPerSecond: 0,
    })
  })

  it('is unknown in the first second, but for the memory', () => {
    const { load, used } = fakeProcess()
    used.seconds += 0.999
    expect(load.read()).toEqual({
      cpuUtilization: undefined,
      memUtilization: 0.25,
      requestsPerSecond: undefined,
      errorsPerSecond: undefined,
    })
  })

  it('is read at most once a second: whoever asks sooner gets the reading before, and takes nothing from it', () => {
    const { load, used } = fakeProcess()
    used.seconds += 1
    used.cpu += 1
    const first = load.read()
    used.seconds += 0.5
    used.cpu += 2
    load.countAnswer(200)
    expect(load.read()).toBe(first)
    used.seconds += 0.5
    expect(load.read()).toMatchObject({ cpuUtilization: 0.5, requestsPerSecond: 1 })
  })

  it('never tells of more memory than there is', () => {
    const { load, used } = fakeProcess()
    used.seconds += 1
    used.bytes = 2000
    expect(load.read().memUtilization).toBe(1)
  })
})

it.each([
  ['200000 100000\n', 2],
  ['50000 100000\n', 0.5],
  ['max 100000\n', Infinity],
  ['0 0', Infinity],
  ['', Infinity],
])('a quota of %j is %d processors', (text, cpus) => {
  expect(parseCpuQuota(text)).toBe(cpus)
})

it('a recent mean starts with the first value and follows the newest ones', () => {
  const mean = new RecentMean()
  expect(mean.value).toBeUndefined()
  mean.add(10)
  expect(mean.value).toBe(10)
  for (let index = 0; index < 20; index += 1) mean.add(1)
  expect(mean.value).toBeGreaterThan(1)
  expect(mean.value).toBeLessThan(1.2)
})
