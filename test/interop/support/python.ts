/** A Python with packages that a test needs, made when it is missing and kept for the next time. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../../.venv', import.meta.url))
const run = promisify(execFile)

/**
 * The address of a Python that has `requirements` installed, in a virtual environment of their own.
 *
 * @param name Of the environment; must change with the requirements.
 * @param requirements Pinned, such as `tritonclient[http]==2.73.0`.
 */
export async function pythonWith(name: string, requirements: readonly string[]): Promise<string> {
  const folder = join(root, name)
  const python = join(folder, 'bin', 'python')
  const complete = join(folder, 'complete')
  if (existsSync(complete)) return python
  // What an interrupted run left behind.
  await rm(folder, { recursive: true, force: true })
  await mkdir(root, { recursive: true })
  await run('python3', ['-m', 'venv', folder])
  await run(python, ['-m', 'pip', 'install', '--quiet', '--prefer-binary', ...requirements])
  await writeFile(complete, '')
  return python
}

/** Runs a script and gives what it printed, as JSON. */
export async function runPython(python: string, script: string, args: readonly string[]): Promise<unknown> {
  const { stdout } = await run(python, [script, ...args], { timeout: 60_000 })
  return JSON.parse(stdout)
}
