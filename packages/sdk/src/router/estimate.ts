/**
 * The cost model: what a placement is expected to take for one request. Pure, total and deterministic; it runs for every
 * placement of every request, so that it neither sorts nor fits: that is done when something is measured.
 */
import type { Backend, Estimate, Manifest, ManifestFile, Range, RunFit, Variant } from '../contract/index.js'
import * as assumed from './assumed-costs.js'
import { placementName, type EndpointFacts, type PlanInput } from './plan-input.js'

/** What one variant is expected to take on one backend. Its tasks have their only output at the end of the run. */
export function estimateDevice(input: PlanInput, manifest: Manifest, variant: Variant, backend: Backend): Estimate {
  const name = placementName({ engine: 'device', backend, variant: variant.dtype })
  const measured = input.measurements.get(name)
  const weights = weightBytes(variant)
  const bytes = weights + assetBytes(manifest)
  const readiness = input.readiness.get(name) ?? 'absent'
  const isOnDevice = readiness === 'ready' || readiness === 'cached'
  const downloadBytes = isOnDevice ? 0 : (input.missing?.[variant.dtype]?.bytes ?? bytes)
  const readyMs =
    readiness === 'ready'
      ? atOnce
      : plus(measured?.loadMs ?? loadOf(bytes, backend), isOnDevice ? atOnce : downloadOf(input, downloadBytes))
  const run = measured?.run ? measuredRun(measured.run, input.units) : guessedRun(input, manifest, variant, backend)
  return { ...assemble(readyMs, run, downloadBytes, memoryOf(variant, backend)), ...speedOfText(input, run) }
}

/** Bytes of memory that a variant's sessions are expected to take. */
export function memoryOf(variant: Variant, backend: Backend): number {
  return variant.memoryBytes ?? weightBytes(variant) * assumed.memoryPerWeightByte[backend]
}

/** What an endpoint is expected to take. */
export function estimateEndpoint(input: PlanInput, facts: EndpointFacts): Estimate {
  const { units, conditions } = input
  const wait = facts.load?.expectedWaitMs
  const readyMs = wait === undefined ? atOnce : rangeOf(wait, assumed.highFactor.queue)
  const answerMs = (conditions.connection?.roundTripMs ?? assumed.assumedRoundTripMs) + assumed.assumedEndpointRunMs
  const guessed: Run = {
    basis: 'assumed',
    samples: 0,
    ms: rangeOf(answerMs, assumed.highFactor.assumed),
    unitMs: 0,
  }
  const measured = facts.measurements?.run && measuredRun(facts.measurements.run, units)
  // Nobody would ask an endpoint again that was slow once, and so nobody would see that it is not any more.
  const isForgiven = facts.isMeasuredLongAgo === true && (measured?.ms.typical ?? 0) > guessed.ms.typical
  const run = measured === undefined || isForgiven ? guessed : measured
  return { ...assemble(readyMs, run, 0, 0), ...speedOfText(input, run) }
}

/** How fast a text is written, where that was measured: its unit is a token, see `streamUnits`. */
function speedOfText({ task }: PlanInput, { basis, unitMs }: Run): Pick<Estimate, 'tokensPerSecond'> {
  const isKnown = task === 'text-generation' && basis === 'measured' && unitMs > 0
  return isKnown ? { tokensPerSecond: 1e3 / unitMs } : {}
}

interface Run extends Pick<Estimate, 'basis' | 'samples' | 'unitMs'> {
  readonly ms: Range
}

const atOnce: Range = Object.freeze({ typical: 0, high: 0 })

/** Longer than anybody waits, and a number: a link of no bytes a second takes so long. */
const endlessMs = 1e12

function assemble(readyMs: Range, run: Run, downloadBytes: number, memoryBytes: number): Estimate {
  const { basis, samples, ms: firstOutputMs, unitMs } = run
  const totalMs = plus(readyMs, firstOutputMs)
  return { basis, samples, readyMs, firstOutputMs, unitMs, totalMs, downloadBytes, memoryBytes }
}

function measuredRun({ fixedMs, unitMs, highFactor, samples, drift }: RunFit, units: number): Run {
  const now = drift > assumed.driftThatCounts ? drift : 1
  return { basis: 'measured', samples, ms: rangeOf((fixedMs + unitMs * units) * now, highFactor), unitMs: unitMs * now }
}

/** From this device's arithmetic, as measured or assumed. */
function guessedRun(input: PlanInput, manifest: Manifest, variant: Variant, backend: Backend): Run {
  const { cost } = manifest
  const parameters = cost?.parameters ?? weightBytes(variant) / assumed.bytesPerWeight[variant.dtype]
  const perUnit = cost?.operationsPerUnit ?? 2 * parameters
  const perRun = assumed.isDequantisedEachRun(variant.dtype, backend) ? assumed.operationsToDequantise * parameters : 0
  const measured = backend === 'wasm' ? input.benchmark?.wasmFlops : input.benchmark?.webgpuFlops
  const basis = measured === undefined ? 'assumed' : 'benchmark'
  const slowdown = assumed.slowdownUnderPressure[input.conditions.pressure ?? 'nominal']
  const operationMs = (slowdown * 1e3) / speedOf(input, backend, measured)
  const unitMs = bounded(perUnit * operationMs)
  const ms = slowdown * assumed.fixedRunMs[backend] + perRun * operationMs + unitMs * input.units
  return { basis, samples: 0, ms: rangeOf(ms, assumed.highFactor[basis]), unitMs }
}

/** Floating-point operations a second that a whole model reaches on a backend. */
function speedOf({ capabilities, device }: PlanInput, backend: Backend, measured: number | undefined): number {
  const isSoftware = backend === 'webgpu' && capabilities.webgpu?.isFallbackAdapter
  const flops = measured ?? (isSoftware ? assumed.softwareGpuFlops : assumed.assumedFlops[backend])
  const threads =
    backend === 'wasm' && capabilities.crossOriginIsolated ? Math.min(device.threads, capabilities.cores) : 1
  return Math.max(1, flops * (1 + assumed.gainPerThread * (Math.max(1, threads) - 1)) * assumed.efficiency[backend])
}

function loadOf(bytes: number, backend: Backend): Range {
  const ms = assumed.loadFixedMs[backend] + (bytes * 1e3) / assumed.loadBytesPerSecond
  return rangeOf(ms, assumed.highFactor.load)
}

/** The runtime's own files come along where no model has ever run. */
function downloadOf(input: PlanInput, weights: number): Range {
  const measured = input.link.bytesPerSecond
  const told = input.conditions.connection?.bytesPerSecond
  const { measuredLink, toldLink, assumedLink } = assumed.highFactor
  const factor = measured !== undefined ? measuredLink : told !== undefined ? toldLink : assumedLink
  const bytesPerSecond = Math.max(1, measured ?? told ?? assumed.assumedBytesPerSecond)
  const bytes = weights + (hasRun(input) ? 0 : assumed.runtimeBytes)
  return rangeOf((bytes * 1e3) / bytesPerSecond, factor)
}

/** Whether a placement of this model has been ready here, now or before. */
function hasRun({ measurements, readiness }: PlanInput): boolean {
  if (measurements.size > 0) return true
  for (const state of readiness.values()) if (state === 'ready' || state === 'cached') return true
  return false
}

/** Bytes of the graphs and of what lies beside them; files that graphs share count once. */
function weightBytes({ graphs }: Variant): number {
  let bytes = 0
  for (const name in graphs) {
    const graph = graphs[name]
    if (graph === undefined) continue
    bytes += graph.file.bytes
    for (const file of graph.externalData ?? []) if (isFirst(file, name, graphs)) bytes += file.bytes
  }
  return bytes
}

/** Whether no graph before the one called `name` has the file too. */
function isFirst({ path }: ManifestFile, name: string, graphs: Variant['graphs']): boolean {
  for (const other in graphs) {
    if (other === name) return true
    if (graphs[other]?.externalData?.some((file) => file.path === path)) return false
  }
  return true
}

function assetBytes({ assets }: Manifest): number {
  let bytes = 0
  for (const role in assets) bytes += assets[role]?.bytes ?? 0
  return bytes
}

function rangeOf(typical: number, factor: number): Range {
  return { typical: bounded(typical), high: bounded(typical * factor) }
}

/** The sum of both high ends is more than the 95th percentile of the sum, since bad luck seldom comes twice. */
function plus(a: Range, b: Range): Range {
  return { typical: a.typical + b.typical, high: a.high + b.high }
}

function bounded(ms: number): number {
  return Math.min(endlessMs, Math.max(0, ms))
}
