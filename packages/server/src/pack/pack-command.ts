/** `edgeward pack`: the packing tool at the command line. */
import { parseArgs } from 'node:util'
import { PackError } from './pack-error.js'
import { pack } from './pack-model.js'
import { describeProgress, type PackProgress } from './progress.js'

const packHelp = `edgeward pack <recipe.json | folder>… [--out <folder>]

Makes a model's manifest and files from its recipe, in <folder>/<id> (default: .models/<id>).
Fetched files are kept in $EDGEWARD_CACHE (default: ~/.cache/edgeward).
`

/** Runs the command; throws what went wrong. */
export async function packCommand(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parse(argv)
  if (values.help) {
    process.stdout.write(packHelp)
    return
  }
  if (positionals.length === 0) throw new PackError(`which recipe? Usage:\n\n${packHelp}`)
  const onProgress = progressPrinter((line) => process.stdout.write(`${line}\n`))
  const interrupted = new AbortController()
  const onInterrupt = () => interrupted.abort(new PackError('interrupted; nothing was left half-written'))
  process.once('SIGINT', onInterrupt).once('SIGTERM', onInterrupt)
  try {
    for (const recipe of positionals) {
      await pack({ recipe, signal: interrupted.signal, onProgress, ...(values.out ? { out: values.out } : {}) })
    }
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt)
  }
}

function parse(argv: readonly string[]) {
  try {
    const options = { out: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const
    return parseArgs({ args: [...argv], options, allowPositionals: true })
  } catch (cause) {
    throw new PackError(`${cause instanceof Error ? cause.message : String(cause)}\n\n${packHelp}`, { cause })
  }
}

/** Prints every step, but of the bytes only each further tenth (or 10 MB where the whole is unknown). */
function progressPrinter(print: (line: string) => void): (progress: PackProgress) => void {
  let lastStep = 0
  return (progress) => {
    const isCount = progress.kind === 'bytes'
    const step = isCount ? Math.floor(progress.loadedBytes / ((progress.totalBytes ?? 100e6) / 10)) : 0
    if (!isCount || step > lastStep) print(describeProgress(progress))
    lastStep = step
  }
}
