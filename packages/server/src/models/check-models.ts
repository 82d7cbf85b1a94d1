/** Looks at the models' files when the endpoint starts, so that a damaged one is known before somebody asks for it. */
import { EdgewardError } from 'edgeward'
import { messageOf } from './message-of.js'
import { checkContent, checkSize } from './model-file.js'
import type { ServedFile } from './read-models.js'
import type { Served } from './served.js'

/** Is told of each model that cannot be served. */
export type ReportRefusal = (model: Served, error: EdgewardError) => void

/** Finds files that are missing, cut short or empty; quick, however large they are. */
export function checkSizes(models: readonly Served[], report: ReportRefusal): Promise<void> {
  return checkEach(models, checkSize, report)
}

/** Finds files with other bytes than they had when they were packed. Reads them all; ends early when `signal` aborts. */
export function checkContents(models: readonly Served[], report: ReportRefusal, signal: AbortSignal): Promise<void> {
  return checkEach(
    models.filter((model) => model.isReady),
    (file) => (signal.aborted ? Promise.resolve() : checkContent(file, signal)),
    (model, error) => (signal.aborted ? undefined : report(model, error)),
  )
}

/** One after the other: the disk and the processors are for requests. */
async function checkEach(
  models: readonly Served[],
  check: (file: ServedFile) => Promise<void>,
  report: ReportRefusal,
): Promise<void> {
  for (const model of models) {
    try {
      for (const file of model.files) await check(file)
    } catch (cause) {
      const error = new EdgewardError('SESSION_FAILED', messageOf(cause), { cause })
      model.refuse(error)
      report(model, error)
    }
  }
}
