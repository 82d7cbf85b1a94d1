/** Failures of ONNX Runtime, and of what carries it. */
import { answersPage, answersStatus, hangs } from '../../../chaos/support/misbehaviour.js'
import type { Line } from './line.js'
import { runtimeWasm } from './site.js'

const texts = { texts: 3 }

/** In the next run, session or page. */
function strikes(fault: string): Line['injection'] {
  return async (subject) => {
    await subject.visit.strike({ [fault]: 1 })
    await subject.ask('during', texts)
  }
}

/** A page whose library meets it from the start. */
function startsWith(fault: string, times: number): Line['injection'] {
  return async (subject) => {
    subject.site.faults = { [fault]: times }
    await subject.openAndAsk('during', texts)
  }
}

export const runtimeLines: readonly Line[] = [
  {
    row: 6,
    failure: 'The runtime runs out of memory',
    injected: 'a run throws `std::bad_alloc`',
    isFaulty: true,
    injection: strikes('run-throws-bad-alloc'),
  },
  {
    row: 6,
    failure: 'The runtime throws a bare number',
    injected: 'a run throws 1991937888',
    isFaulty: true,
    injection: strikes('run-throws-number'),
  },
  {
    row: 7,
    failure: 'The browser refuses large pieces of memory',
    injected: '`ArrayBuffer` and `Uint8Array` throw above 16 MiB, where the library runs',
    isFaulty: true,
    isPages: true,
    injection: startsWith('no-buffers-above-16-mib', Infinity),
  },
  {
    row: 10,
    failure: 'The runtime’s start fails, on a first visit',
    injected: 'status 404 for its wasm file, twice',
    async injection(subject) {
      await subject.becomeFirstVisit()
      subject.site.misbehave(runtimeWasm, answersStatus(404), 2)
      await subject.openAndAsk('during', texts)
    },
  },
  {
    row: 10,
    failure: 'The runtime’s start fails, on a second visit',
    injected: 'status 404 for its wasm file',
    async injection(subject) {
      subject.site.misbehave(runtimeWasm, answersStatus(404))
      await subject.openAndAsk('during', texts)
    },
  },
  {
    row: 10,
    failure: 'The runtime’s start never ends, on a first visit',
    injected: 'a server that takes the request for its wasm file and says nothing',
    isSlow: true,
    async injection(subject) {
      await subject.becomeFirstVisit()
      subject.site.misbehave(runtimeWasm, hangs)
      await subject.openAndAsk('during', texts)
    },
  },
  {
    row: 11,
    failure: 'A session is never made',
    injected: '`InferenceSession.create` never settles, once',
    isFaulty: true,
    isSlow: true,
    injection: startsWith('create-hangs', 1),
  },
  {
    row: 11,
    failure: 'A run never ends',
    injected: '`session.run` never settles, once',
    isFaulty: true,
    isSlow: true,
    injection: strikes('run-hangs'),
  },
  {
    row: 12,
    failure: 'Many requests at once',
    injected: '24 requests in the same moment, while the model is loading',
    async injection(subject) {
      await subject.openAndAsk('during', { texts: 24 })
    },
  },
  {
    row: 14,
    failure: 'Shared memory cannot be sent to threads',
    injected: '`postMessage` of shared memory throws a DataCloneError, in a page that says it has 8 cores',
    isFaulty: true,
    isPages: true,
    async injection(subject) {
      subject.site.faults = { 'no-shared-memory': Infinity }
      const before = "Object.defineProperty(navigator, 'hardwareConcurrency', { get: () => 8 })"
      await subject.openAndAsk('during', texts, { before, threads: 2 })
    },
  },
  {
    row: 17,
    failure: 'The server answers a page instead of the wasm file',
    injected: 'status 200 with HTML, on a first visit',
    async injection(subject) {
      await subject.becomeFirstVisit()
      subject.site.misbehave(runtimeWasm, answersPage())
      await subject.openAndAsk('during', texts)
    },
  },
]
