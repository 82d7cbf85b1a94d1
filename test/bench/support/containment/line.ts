/** A line of the comparison: a failure, how it is injected into each library, and what is asked meanwhile. */
import type { Asked, OpenOptions } from '../../../chaos/support/world.js'
import type { Phase, Subject } from './subject.js'

export interface Line {
  /** Its row in docs/failures.md. */
  readonly row: number
  readonly failure: string
  readonly injected: string
  /** On software WebGPU, with `tiny-mlp`. */
  readonly isOnGpu?: boolean
  /** In pages and workers that faults can happen to. */
  readonly isFaulty?: boolean
  /** The failure is the page's: only the next page is without it. */
  readonly isPages?: boolean
  /** Somebody may wait until the end of their patience. */
  readonly isSlow?: boolean
  /** What is asked of a model before the failure. */
  readonly before?: Asked
  /** Makes it happen, and asks while it is there. */
  injection(subject: Subject): Promise<void>
}

const texts: Asked = { texts: 2 }
const tensors: Asked = { tensors: 2 }

/** Plays a line with a library. */
export async function play(line: Line, subject: Subject): Promise<void> {
  const asked = line.isOnGpu === true ? tensors : texts
  await subject.openAndAsk('before', line.before ?? asked)
  if (!subject.isWell('before')) throw new Error(`not even before the failure: ${said(subject, 'before')}`)
  await line.injection(subject)
  subject.site.reset()
  await subject.recover(asked, line.isPages ?? false)
}

/** What the subjects of a line are opened with. */
export function optionsFor(line: Line): OpenOptions {
  return {
    ...(line.isOnGpu === true && { backends: ['webgpu', 'wasm'] }),
    ...((line.isFaulty ?? line.isOnGpu ?? false) && { faulty: true }),
  }
}

function said(subject: Subject, phase: Phase): string {
  const outcomes = subject.phases.get(phase) ?? []
  return outcomes.map((outcome) => (outcome.state === 'failed' ? outcome.message : outcome.state)).join('; ')
}
