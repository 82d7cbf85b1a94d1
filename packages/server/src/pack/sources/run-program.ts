/** Runs npm or pip, which know the user's registries, proxies and credentials better than we do. */
import { execFile, type ExecFileException } from 'node:child_process'
import { PackError } from '../pack-error.js'

/** Resolves when the program has ended well; otherwise throws with the last lines of what it said. */
export function runProgram(program: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  // Where npm is a .cmd file, only a shell can start it. The arguments are checked names and our own paths.
  const shell = process.platform === 'win32' && program === 'npm'
  return new Promise((resolve, reject) => {
    const quoted = shell ? args.map((arg) => `"${arg}"`) : args
    execFile(program, quoted, { signal, shell, maxBuffer: 64 * 1024 * 1024 }, (error, _stdout, stderr) => {
      if (!error) resolve()
      else reject(signal.aborted ? (signal.reason as Error) : explain(program, error, stderr))
    })
  })
}

function explain(program: string, error: ExecFileException, stderr: string): PackError {
  if (error.code === 'ENOENT') return new PackError(`${program} is not installed, or not in the PATH`)
  const hint = stderr.includes('No module named pip') ? '; install pip (Debian: apt-get install python3-pip)' : ''
  return new PackError(`${program} failed: ${lastLines(stderr) || error.message}${hint}`)
}

/** The end of a program's complaint on one line, without the notices that follow it. */
function lastLines(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim())
  const telling = lines.filter(
    (line) => line !== '' && !/^(npm warn|npm notice|WARNING|\[notice\])|complete log of this run/.test(line),
  )
  return telling.slice(-3).join(' ')
}
