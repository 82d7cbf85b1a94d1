/** A file inside a wheel of PyPI, or of whichever index pip is configured for. */
import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { openPromise } from 'yauzl'
import { PackError } from '../pack-error.js'
import type { FetchSource } from './fetch-context.js'
import { runProgram } from './run-program.js'

const python = process.platform === 'win32' ? 'python' : 'python3'
// prettier-ignore
const pipDownload = ['-m', 'pip', 'download', '--quiet', '--no-input', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:']

export const fetchFromPypi: FetchSource<'pypi'> = async ({ name, version, path }, target, { packages, signal }) => {
  const spec = `${name}==${version}`
  const wheel = await packages.archive(`pypi:${spec}`, (dir) =>
    runProgram(python, [...pipDownload, '--dest', dir, spec], signal),
  )
  await extractFromZip(wheel, path, target)
}

async function extractFromZip(zip: string, path: string, target: string): Promise<void> {
  const file = await openPromise(zip)
  try {
    for await (const entry of file.eachEntry()) {
      if (entry.fileName !== path) continue
      await pipeline(await file.openReadStreamPromise(entry), createWriteStream(target))
      return
    }
  } finally {
    file.close()
  }
  throw new PackError(`the wheel has no file ${path}`)
}
