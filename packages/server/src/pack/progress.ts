/** What the packing tool tells about its work, as data and as lines for people. */

export type PackProgress =
  | { readonly kind: 'unchanged'; readonly model: string; readonly dir: string }
  | { readonly kind: 'fetching'; readonly model: string; readonly file: string; readonly source: string }
  | {
      readonly kind: 'bytes'
      readonly model: string
      readonly file: string
      readonly loadedBytes: number
      /** Absent when the source does not say. */
      readonly totalBytes?: number
    }
  | { readonly kind: 'source-failed'; readonly model: string; readonly source: string; readonly reason: string }
  | {
      readonly kind: 'verified'
      readonly model: string
      readonly file: string
      readonly from: 'cache' | 'source'
      /** How many of the recipe's files are there now, and how many there will be. */
      readonly done: number
      readonly total: number
    }
  | { readonly kind: 'examining'; readonly model: string; readonly variant: string; readonly graph: string }
  | {
      /** Right on WASM; or not checked, since the variant is for other backends, which Node does not have. */
      readonly kind: 'checked' | 'unchecked'
      readonly model: string
      readonly variant: string
      readonly graph: string
    }
  | { readonly kind: 'packed'; readonly model: string; readonly dir: string; readonly revision: string }

/** One line of plain text for a step. */
export function describeProgress(progress: PackProgress): string {
  return `${progress.model}: ${describeStep(progress)}`
}

function describeStep(progress: PackProgress): string {
  switch (progress.kind) {
    case 'unchanged':
      return `nothing changed, ${progress.dir} is up to date`
    case 'fetching':
      return `fetching ${progress.file} from ${progress.source}`
    case 'bytes':
      return `${progress.file}: ${megabytes(progress.loadedBytes)}${progress.totalBytes === undefined ? '' : ` of ${megabytes(progress.totalBytes)}`}`
    case 'source-failed':
      return `${progress.source} did not work: ${progress.reason}`
    case 'verified':
      return `file ${progress.done} of ${progress.total}: ${progress.file} verified${progress.from === 'cache' ? ' (from the cache)' : ''}`
    case 'examining':
      return `reading the inputs and outputs of ${progress.variant}/${progress.graph} and running its canary`
    case 'checked':
      return `the canary of ${progress.variant}/${progress.graph} is right on WASM`
    case 'unchecked':
      return `the canary of ${progress.variant}/${progress.graph} was not checked: it is not for WASM, and Node has no other backend of browsers; check it in one`
    case 'packed':
      return `packed into ${progress.dir} (revision ${progress.revision})`
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
