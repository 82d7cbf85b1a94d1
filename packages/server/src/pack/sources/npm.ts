/** A file inside a package of the npm registry, or of whichever registry npm is configured for. */
import { mkdtemp, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { extract } from 'tar'
import { PackError } from '../pack-error.js'
import type { FetchSource } from './fetch-context.js'
import { runProgram } from './run-program.js'

export const fetchFromNpm: FetchSource<'npm'> = async ({ name, version, path }, target, { packages, signal }) => {
  const spec = `${name}@${version}`
  const archive = await packages.archive(`npm:${spec}`, (dir) =>
    runProgram('npm', ['pack', spec, '--pack-destination', dir, '--ignore-scripts', '--json'], signal),
  )
  const dir = await mkdtemp(join(dirname(target), 'unpacked-'))
  // The first segment is the archive's own top folder, "package" as a rule.
  await extract({ file: archive, cwd: dir, strip: 1, filter: (entry) => entry.slice(entry.indexOf('/') + 1) === path })
  try {
    await rename(join(dir, path), target)
  } catch (cause) {
    throw new PackError(`the package has no file ${path}`, { cause })
  }
}
