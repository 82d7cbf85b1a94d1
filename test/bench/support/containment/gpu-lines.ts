/** Failures of the GPU, on software WebGPU. */
import type { Line } from './line.js'

const tensors = { tensors: 4 }

export const gpuLines: readonly Line[] = [
  {
    row: 1,
    failure: 'The GPU is lost',
    injected: '`device.destroy()` while 12 requests are under way',
    isOnGpu: true,
    async injection(subject) {
      await Promise.all([subject.ask('during', { tensors: 12 }), subject.visit.strike({ 'lose-gpu': 1 })])
      await subject.ask('during', tensors)
    },
  },
  {
    row: 2,
    failure: 'The GPU is lost in the middle of a run, which ends with zeros all the same',
    injected: '`mapAsync` succeeds while the device is destroyed, and the buffer reads as zeros',
    isOnGpu: true,
    async injection(subject) {
      await subject.visit.strike({ 'zeros-while-lost': 1 })
      await subject.ask('during', tensors)
    },
  },
  {
    row: 3,
    failure: 'A driver computes wrongly from the start',
    injected: 'what is read from the GPU is changed',
    isOnGpu: true,
    isPages: true,
    async injection(subject) {
      subject.site.faults = { 'gpu-wrong': Infinity }
      await subject.openAndAsk('during', tensors)
    },
  },
  {
    row: 3,
    failure: 'A driver begins to give NaN',
    injected: 'two runs give NaN',
    isOnGpu: true,
    async injection(subject) {
      await subject.visit.strike({ 'not-a-number': 2 })
      await subject.ask('during', tensors)
    },
  },
  {
    row: 4,
    failure: 'There is WebGPU, but no adapter',
    injected: '`requestAdapter` gives null where the library runs',
    isOnGpu: true,
    isPages: true,
    async injection(subject) {
      subject.site.faults = { 'no-adapter': Infinity }
      await subject.openAndAsk('during', tensors)
    },
  },
]
