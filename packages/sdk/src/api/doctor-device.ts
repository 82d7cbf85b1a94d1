/** What the doctor finds without asking anybody: the page, the GPU, the storage. */
import type { Capabilities, Finding } from '../contract/index.js'
import { finding } from './doctor-findings.js'

export function diagnoseDevice(capabilities: Capabilities, modelBytes: number): readonly Finding[] {
  return [
    ...diagnosePage(capabilities),
    ...diagnoseWasm(capabilities),
    ...diagnoseGpu(capabilities),
    ...diagnoseStorage(capabilities, modelBytes),
  ]
}

function diagnosePage({ secureContext, crossOriginIsolated, cores, saveData }: Capabilities): readonly Finding[] {
  return [
    ...(secureContext ? [] : [finding('insecure-context')]),
    ...(crossOriginIsolated || cores === 1 ? [] : [finding('not-isolated', { cores })]),
    ...(saveData ? [finding('save-data')] : []),
  ]
}

function diagnoseWasm({ wasm }: Capabilities): readonly Finding[] {
  if (wasm !== undefined) return []
  return [finding(typeof WebAssembly === 'undefined' ? 'wasm-missing' : 'wasm-blocked')]
}

function diagnoseGpu({ webgpu }: Capabilities): readonly Finding[] {
  if (webgpu === undefined) return [finding('no-webgpu')]
  if (webgpu.isFallbackAdapter) return [finding('software-gpu')]
  return webgpu.shaderF16 ? [] : [finding('no-shader-f16')]
}

function diagnoseStorage({ storage }: Capabilities, modelBytes: number): readonly Finding[] {
  if (!storage.indexedDb) return [finding('no-database')]
  const { quotaBytes = Infinity } = storage
  const sizes = { bytes: toMegabytes(modelBytes), quota: toMegabytes(quotaBytes) }
  return [
    ...(quotaBytes < modelBytes ? [finding('quota-too-small', sizes)] : []),
    ...(storage.persisted ? [] : [finding('not-persisted')]),
  ]
}

function toMegabytes(bytes: number): number {
  return Math.round(bytes / 1e6)
}
