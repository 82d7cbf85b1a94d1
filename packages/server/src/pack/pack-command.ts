/** `edgeward pack`: the packing tool at the command line. */
import { parseArgs } from 'node:util'
import { PackError } from './pack-error.js'
import { packGguf } from './pack-gguf.js'
import { pack } from './pack-model.js'
import { describeProgress, type PackProgress } from './progress.js'

const packHelp = `edgeward pack <recipe.json | folder | model.gguf>… [--out <folder>]

Makes a model's manifest and files from its recipe, in <folder>/<id> (default: .models/<id>).
A GGUF is packed as it is, without a recipe; of one, these can be said:
  --id <id>            the model's id (default: the file's name)
  --licence <licence>  an SPDX expression (default: what the file says)
Fetched files are kept in $EDGEWARD_CACHE (default: ~/.cache/edgeward).
`

/** Runs the command; throws what went wrong. */
export async function packCommand(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parse(argv)
  if (values.help) {
    process.stdout.write(packHelp)
    return
  }
  const isOfOne = values.id !== undefined || values.licence !== undefined
  if (isOfOne && !(positionals.length === 1 && positionals.every(isGguf))) {
    throw new PackError('--id and --licence are for one GGUF: a recipe has its own')
  }
  if (positionals.length === 0) throw new PackError(`which recipe? Usage:\n\n${packHelp}`)
  const onProgress = progressPrinter((line) => process.stdout.write(`${line}\n`))
  const interrupted = new AbortController()
  const onInterrupt = () => interrupted.abort(new PackError('interrupted; nothing was left half-written'))
  process.once('SIGINT', onInterrupt).once('SIGTERM', onInterrupt)
  try {
    for (const recipe of positionals) {
      const options = { signal: interrupted.signal, onProgress, ...(values.out ? { out: values.out } : {}) }
      if (isGguf(recipe)) await packGguf({ file: recipe, ...options, ...ggufOptions(values) })
      else await pack({ recipe, ...options })
    }
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt)
  }
}

function isGguf(path: string): boolean {
  return path.toLowerCase().endsWith('.gguf')
}

function ggufOptions({ id, licence }: { readonly id?: string | undefined; readonly licence?: string | undefined }) {
  return { ...(id !== undefined && { id }), ...(licence !== undefined && { licence }) }
}

function parse(argv: readonly string[]) {
  try {
    const text = { type: 'string' } as const
    const options = { out: text, id: text, licence: text, help: { type: 'boolean', short: 'h' } } as const
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
