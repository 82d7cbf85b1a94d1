/** Traces leave the page as they should: into the browser's timeline, and to a collector, also when the page goes. */
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import type * as Exporters from '../../packages/sdk/src/exporters.js'
import type * as OpenTelemetry from '../../packages/sdk/src/opentelemetry.js'
import { makeSource, makeTrace } from '../support/traces.js'

// As they are shipped: their dependencies are inside.
const shipped = (name: string) => `${location.origin}/shipped/${name}.js`
const { markPerformance } = (await import(/* @vite-ignore */ shipped('exporters'))) as typeof Exporters
const { exportToCollector } = (await import(/* @vite-ignore */ shipped('opentelemetry'))) as typeof OpenTelemetry

interface ExportedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[]
}

interface Received {
  readonly attempts: number
  readonly posts: readonly {
    readonly contentType: string | null
    readonly authorization: string | null
    readonly body: {
      readonly resourceSpans: readonly {
        readonly resource: { readonly attributes: ExportedSpan['attributes'] }
        readonly scopeSpans: readonly { readonly spans: readonly ExportedSpan[] }[]
      }[]
    }
  }[]
}

/** A collector of this test alone. */
function collector(query = '') {
  const name = crypto.randomUUID()
  const received = async () => (await (await fetch(`${inject('collector')}/received/${name}`)).json()) as Received
  return {
    url: `${inject('collector')}/v1/traces/${name}${query}`,
    received,
    posts: async () => (await received()).posts.length,
    spans: async () => {
      const { posts } = await received()
      return posts.flatMap(({ body }) =>
        body.resourceSpans.flatMap((one) => one.scopeSpans.flatMap(({ spans }) => spans)),
      )
    },
  }
}

/** A client that is exported until the test has ended. */
function exporting(options: OpenTelemetry.CollectorOptions) {
  const source = makeSource()
  onTestFinished(exportToCollector(source, options))
  return source
}

describe('the performance timeline', () => {
  test('has every request and its spans as measures that DevTools shows in a track, until the undo', async () => {
    const observed: PerformanceEntry[] = []
    const observer = new PerformanceObserver((list) => observed.push(...list.getEntriesByType('measure')))
    observer.observe({ type: 'measure' })
    onTestFinished(() => observer.disconnect())
    const source = makeSource()
    const stop = markPerformance(source)
    const trace = makeTrace()
    source.emit(trace)
    await expect.poll(() => observed.length).toBe(6)
    expect(observed.map(({ name }) => name)).toEqual([
      'edgeward:request',
      ...trace.spans.map(({ name }) => `edgeward:${name}`),
    ])
    const [request, plan, failed] = observed as PerformanceMeasure[]
    expect(request?.detail).toMatchObject({
      trace: trace.id,
      devtools: { dataType: 'track-entry', trackGroup: 'Edgeward', track: 'a-model' },
    })
    expect(failed?.detail).toMatchObject({ devtools: { color: 'error' } })
    expect(request?.duration).toBeCloseTo(100, 1)
    expect((failed?.startTime ?? 0) - (plan?.startTime ?? 0)).toBeCloseTo(1, 1)
    stop()
    expect(performance.getEntriesByType('measure').filter(({ name }) => name.startsWith('edgeward:'))).toEqual([])
  })
})

describe('the collector', () => {
  test('gets spans that nest, with ids as W3C Trace Context has them, and the names of app and page', async () => {
    const { url, spans, received } = collector()
    const source = exporting({
      url,
      serviceName: 'my-app',
      maxBatch: 1,
      headers: { Authorization: 'Bearer key' },
      resource: { 'service.version': '1.2' },
      attributes: ({ model }) => ({ 'app.model': model }),
    })
    const trace = makeTrace()
    source.emit(trace)
    await expect.poll(async () => (await spans()).length).toBe(6)
    const [root, ...rest] = await spans()
    const ids = new Map((await spans()).map((span) => [span.spanId, span]))
    expect(root).toMatchObject({ name: 'embeddings a-model', traceId: trace.id })
    expect(root?.attributes).toContainEqual({ key: 'app.model', value: { stringValue: 'a-model' } })
    for (const span of rest) {
      expect(span.spanId).toMatch(/^[0-9a-f]{16}$/)
      expect(span.traceId).toBe(trace.id)
      const parent = ids.get(span.parentSpanId ?? '')
      expect(BigInt(span.startTimeUnixNano) >= BigInt(parent?.startTimeUnixNano ?? '0')).toBe(true)
      expect(BigInt(span.endTimeUnixNano) <= BigInt(parent?.endTimeUnixNano ?? '0')).toBe(true)
    }
    const { posts } = await received()
    expect(posts[0]).toMatchObject({ contentType: 'application/json', authorization: 'Bearer key' })
    expect(posts[0]?.body.resourceSpans[0]?.resource.attributes).toEqual([
      { key: 'service.name', value: { stringValue: 'my-app' } },
      { key: 'service.version', value: { stringValue: '1.2' } },
    ])
  })

  test('gets traces in batches', async () => {
    const { url, posts, spans } = collector()
    const source = exporting({ url, serviceName: 'my-app', maxBatch: 3, intervalMs: 60_000 })
    for (let count = 0; count < 3; count += 1) source.emit(makeTrace())
    await expect.poll(async () => (await spans()).length).toBe(18)
    expect(await posts()).toBe(1)
  })

  test('gets what waits when the interval is over', async () => {
    const { url, spans } = collector()
    const source = exporting({ url, serviceName: 'my-app', intervalMs: 20 })
    source.emit(makeTrace())
    await expect.poll(async () => (await spans()).length).toBe(6)
  })

  test('gets the traces whose ids fall into the share, and no others', async () => {
    const { url, spans } = collector()
    const source = exporting({ url, serviceName: 'my-app', maxBatch: 1, sampleRatio: 0.25 })
    const kept = `${'0'.repeat(18)}c0000000000000`
    for (const id of [`${'f'.repeat(18)}bfffffffffffff`, kept]) source.emit(makeTrace({ id }))
    await expect.poll(async () => (await spans()).length).toBe(6)
    expect(new Set((await spans()).map(({ traceId }) => traceId))).toEqual(new Set([kept]))
  })

  test('is asked once more when it was overloaded, after the time that it says', async () => {
    const { url, received } = collector('?refuse=429&retryAfter=0')
    const source = exporting({ url, serviceName: 'my-app', maxBatch: 1 })
    source.emit(makeTrace())
    await expect.poll(async () => (await received()).posts.length).toBe(1)
    expect((await received()).attempts).toBe(2)
  })

  test('gets what came while it was slow, too', async () => {
    const { url, spans, received } = collector('?refuse=503')
    const source = exporting({ url, serviceName: 'my-app', intervalMs: 5 })
    source.emit(makeTrace())
    await expect.poll(async () => (await received()).attempts).toBe(1)
    source.emit(makeTrace()) // Its interval is over long before the first one is tried again, a second later.
    await expect.poll(async () => (await spans()).length, { timeout: 10_000 }).toBe(12)
  })

  test.each([
    ['fails twice', '?refuse=503,503&retryAfter=0', 2],
    ['refuses for good', '?refuse=400', 1],
  ])('that %s costs the traces, which are counted, and no error', async (_name, query, expected) => {
    const { url, received } = collector(query)
    const dropped: number[] = []
    const source = exporting({ url, serviceName: 'my-app', maxBatch: 1, onDropped: (traces) => dropped.push(traces) })
    source.emit(makeTrace())
    await expect.poll(() => dropped).toEqual([1])
    expect(await received()).toEqual({ posts: [], attempts: expected })
  })

  test('that is down costs the oldest traces when too many wait, and no error', async () => {
    let dropped = 0
    const options = { url: 'http://127.0.0.1:9/v1/traces', serviceName: 'my-app', maxBatch: 1, intervalMs: 60_000 }
    const source = makeSource()
    const stop = exportToCollector(source, { ...options, onDropped: (traces) => (dropped += traces) })
    // One is being sent; eight may wait.
    for (let count = 0; count < 12; count += 1) source.emit(makeTrace())
    await expect.poll(() => dropped).toBeGreaterThanOrEqual(3)
    stop()
  })

  test('gets what waits by a beacon when the page goes', async () => {
    const { url, spans, received } = collector()
    const frame = document.createElement('iframe')
    frame.srcdoc = `<!doctype html><script type="module">
      import { exportToCollector } from '${shipped('opentelemetry')}'
      const listeners = []
      const edge = { on: (name, listener) => (listeners.push(listener), () => {}) }
      exportToCollector(edge, { url: '${url}', serviceName: 'my-app', intervalMs: 600000 })
      const trace = ${JSON.stringify(makeTrace({ notes: [{ atMs: 1, what: 'placement', text: 'x'.repeat(20_000) }] }))}
      window.fetch = () => { throw new Error('no fetch of a page that goes') }
      listeners[0]({ ...trace, id: '1'.repeat(32) })
      listeners[0]({ ...trace, id: '2'.repeat(32) })
      document.title = 'ready'
    </script>`
    document.body.append(frame)
    await expect.poll(() => frame.contentDocument?.title).toBe('ready')
    frame.remove()
    await expect.poll(async () => (await spans()).length, { timeout: 10_000 }).toBe(12)
    expect((await received()).posts[0]?.contentType).toBe('application/json')
  })

  test('gets what waits when the undo is called', async () => {
    const { url, spans } = collector()
    const source = makeSource()
    const stop = exportToCollector(source, { url, serviceName: 'my-app' })
    source.emit(makeTrace())
    stop()
    await expect.poll(async () => (await spans()).length).toBe(6)
    expect(source.listeners).toBe(0)
  })
})
