/** Child processes that never outlive this one. */
import { spawn } from 'node:child_process'
import { root } from './root.mjs'

/**
 * @typedef {object} CommandOptions
 * @property {string} [cwd] the repository root when absent
 * @property {Record<string, string>} [env] on top of this process's environment
 * @property {(line: string) => void} [onLine] gets every line of output as it appears
 *
 * @typedef {{ readonly code: number, readonly output: string }} CommandResult
 *
 * @typedef {object} Child
 * @property {Promise<CommandResult>} ended resolves when the process has ended; never rejects
 * @property {() => Promise<void>} stop asks the process and its children to end, and makes them after a while
 */

const graceMs = 5_000

/** Starts commands, each as the head of its own process group, so that ending it ends what it started too. */
export class Children {
  /** @type {Map<number, Child>} by process id */
  #live = new Map()

  constructor() {
    process.on('exit', () => {
      for (const pid of this.#live.keys()) signalGroup(pid, 'SIGKILL')
    })
  }

  /**
   * @param {string} command
   * @param {readonly string[]} args
   * @param {CommandOptions} [options]
   * @returns {Child}
   */
  start(command, args, options = {}) {
    const { cwd = root, env = {}, onLine = () => undefined } = options
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let output = ''
    const lines = lineSplitter(onLine)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
        lines.push(text)
      })
    }
    /** @type {Promise<CommandResult>} */
    const ended = new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: 127, output: `${command}: ${error.message}` }))
      child.once('close', (code, signal) => {
        lines.end()
        resolve({ code: code ?? 1, output: signal === null ? output : `${output}\n${command}: ended by ${signal}` })
      })
    })
    const { pid } = child
    const handle = { ended, stop: () => (pid === undefined ? Promise.resolve() : stopGroup(pid, ended)) }
    if (pid !== undefined) {
      this.#live.set(pid, handle)
      void ended.then(() => this.#live.delete(pid))
    }
    return handle
  }

  /**
   * Runs a command to its end, or to the end of `limitMinutes`.
   *
   * @param {string} command
   * @param {readonly string[]} args
   * @param {CommandOptions & { readonly limitMinutes?: number }} [options]
   * @returns {Promise<CommandResult>}
   */
  async run(command, args, options = {}) {
    const child = this.start(command, args, options)
    const { limitMinutes } = options
    if (limitMinutes === undefined) return child.ended
    let late = ''
    const limit = setTimeout(() => {
      late = `\n${command}: ended after ${limitMinutes} minutes, the limit for this step`
      void child.stop()
    }, limitMinutes * 60_000)
    const { code, output } = await child.ended.finally(() => clearTimeout(limit))
    return late === '' ? { code, output } : { code: 124, output: output + late }
  }

  async stopAll() {
    await Promise.all([...this.#live.values()].map((child) => child.stop()))
  }
}

/** @param {(line: string) => void} onLine */
function lineSplitter(onLine) {
  let rest = ''
  return {
    /** @param {string} text */
    push(text) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      lines.forEach(onLine)
    },
    end() {
      if (rest !== '') onLine(rest)
    },
  }
}

/**
 * @param {number} pid
 * @param {Promise<unknown>} ended
 */
async function stopGroup(pid, ended) {
  signalGroup(pid, 'SIGTERM')
  const force = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs)
  await ended.finally(() => clearTimeout(force))
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 */
function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    const ended = error instanceof Error && 'code' in error && error.code === 'ESRCH'
    if (!ended) throw error
  }
}
