/** The parts of `npm start` and `npm test` that decide something. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Children } from '../../../scripts/lib/children.mjs'
import { findChromium } from '../../../scripts/lib/chromium.mjs'
import { whyOutdated } from '../../../scripts/lib/dependencies.mjs'
import { lockfileProblems } from '../../../scripts/lib/lockfile.mjs'
import { findFreePort } from '../../../scripts/lib/ports.mjs'
import { countPlaywright, countVitest, judgeRun } from '../../../scripts/lib/reports.mjs'
import { filesOfEntry } from '../../../scripts/lib/size-budget.mjs'
import { summarise } from '../../../scripts/lib/summary.mjs'
import { selectSteps } from '../../../scripts/lib/test-steps.mjs'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgeward-scripts-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string, content: string | object) => {
  const file = join(folder, name)
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

describe('dependencies', () => {
  const wanted = {
    packages: {
      '': {},
      'packages/sdk': { version: '0.1.0' },
      'node_modules/edgeward': { link: true },
      'node_modules/vite': { version: '8.3.8' },
      'node_modules/for-another-platform': { version: '1.0.0', optional: true },
    },
  }

  it('are installed when nothing is', () => {
    expect(whyOutdated(write('lock.json', wanted), join(folder, 'absent.json'))).toBe('nothing is installed yet')
  })

  it('are left alone when they are what the lockfile says', () => {
    const installed = { packages: { 'node_modules/vite': { version: '8.3.8' } } }
    expect(whyOutdated(write('lock.json', wanted), write('installed.json', installed))).toBeUndefined()
  })

  it('are installed again when a version differs', () => {
    const installed = { packages: { 'node_modules/vite': { version: '8.0.0' } } }
    const reason = whyOutdated(write('lock.json', wanted), write('installed.json', installed))
    expect(reason).toBe('node_modules/vite should be 8.3.8, and is 8.0.0')
  })
})

describe('the lockfile', () => {
  const native = { version: '2.0.0', optionalDependencies: { 'native-linux': '2.0.0', fsevents: '^2.3.0' } }
  const builds = { 'node_modules/native-linux': { version: '2.0.0' }, 'node_modules/fsevents': { version: '2.3.3' } }

  it('is in order when every build of a native package is in it, nested or not', () => {
    const nested = { 'node_modules/vite/node_modules/native': native, 'packages/sdk': { resolved: 'x', link: true } }
    expect(lockfileProblems({ packages: { 'node_modules/native': native, ...nested, ...builds } })).toEqual([])
  })

  it('may not lack a build, nor have it in another version only', () => {
    const lacking = { 'node_modules/native': native, ...builds, 'node_modules/native-linux': { version: '1.9.0' } }
    expect(lockfileProblems({ packages: lacking })).toEqual([expect.stringContaining('needs native-linux 2.0.0')])
  })

  it('records no address', () => {
    const packages = { 'node_modules/vite': { version: '8.3.8', resolved: 'from-somewhere' } }
    expect(lockfileProblems({ packages })).toEqual([expect.stringContaining('node_modules/vite')])
  })
})

describe('a port', () => {
  it.each(['127.0.0.1', '::1', '0.0.0.0', '::'])('that is taken on %s is passed over', async (host) => {
    await using busy = await listen(host)
    const found = await findFreePort(busy.port)
    expect(found).toBeGreaterThan(busy.port)
  })

  it('that is free is used', async () => {
    const { port } = await listen('127.0.0.1').then(async (server) => {
      await server[Symbol.asyncDispose]()
      return server
    })
    expect(await findFreePort(port)).toBe(port)
  })
})

describe('Chromium', () => {
  it('is the one that EDGEWARD_CHROMIUM names', () => {
    const chosen = write('my-chromium', '')
    chmodSync(chosen, 0o755)
    expect(findChromium({ EDGEWARD_CHROMIUM: chosen, PATH: '' })).toBe(chosen)
  })

  it('is never silently another one than EDGEWARD_CHROMIUM names', () => {
    expect(() => findChromium({ EDGEWARD_CHROMIUM: join(folder, 'absent'), PATH: folder })).toThrow('EDGEWARD_CHROMIUM')
  })

  it('is else the first on the PATH, else Playwright’s own', () => {
    expect(findChromium({ PATH: folder })).toBeUndefined()
    const found = write('chromium', '')
    chmodSync(found, 0o755)
    expect(findChromium({ PATH: folder })).toBe(found)
  })
})

describe('a test report', () => {
  it('counts each of Vitest’s tests', () => {
    const assertionResults = ['passed', 'passed', 'failed', 'skipped', 'todo'].map((status) => ({ status }))
    const counts = countVitest({ testResults: [{ status: 'failed', assertionResults }] })
    expect(counts).toEqual({ passed: 2, failed: 1, skipped: 2 })
  })

  it('counts a file that could not be run as a failure', () => {
    const counts = countVitest({ testResults: [{ status: 'failed', assertionResults: [] }] })
    expect(counts).toEqual({ passed: 0, failed: 1, skipped: 0 })
  })

  it('counts Playwright’s tests', () => {
    const counts = countPlaywright({ stats: { expected: 3, unexpected: 1, flaky: 1, skipped: 2 } })
    expect(counts).toEqual({ passed: 4, failed: 1, skipped: 2 })
  })

  it.each([
    ['no test ran', { passed: 0, failed: 0, skipped: 3 }, 0],
    ['the runner failed without a failed test', { passed: 5, failed: 0, skipped: 0 }, 1],
    ['there is no report', undefined, 0],
  ])('is a failure when %s', (_, counts, exitCode) => {
    const judged = judgeRun(counts, exitCode)
    expect(judged.counts.failed).toBe(1)
    expect(judged.problem).toBeDefined()
  })

  it('is taken as it is when all is well', () => {
    const counts = { passed: 5, failed: 0, skipped: 1 }
    expect(judgeRun(counts, 0)).toEqual({ counts })
  })
})

describe('the summary', () => {
  const results = [
    { name: 'lint', counts: { passed: 1, failed: 0, skipped: 0 }, seconds: 1, output: 'fine' },
    { name: 'unit', counts: { passed: 7, failed: 2, skipped: 3 }, seconds: 2, output: 'expected 1, got 2' },
  ]

  it('ends with the sums', () => {
    expect(summarise(results).at(-1)).toBe('8 passed, 2 failed, 3 skipped')
  })

  it('repeats the output of what failed, and of nothing else', () => {
    const text = summarise(results).join('\n')
    expect(text).toContain('expected 1, got 2')
    expect(text).not.toContain('fine')
  })
})

describe('a selection of steps', () => {
  it('brings what it needs, in order', () => {
    expect(selectSteps(['e2e']).map((step) => step.name)).toEqual([
      'dependencies',
      'build',
      'models',
      'chromium',
      'e2e',
    ])
  })

  it('leaves the long ones out when nothing is named', () => {
    const names = selectSteps([]).map((step) => step.name)
    expect(names).toContain('package')
    expect(names).not.toContain('chaos')
    expect(selectSteps(['chaos']).map((step) => step.name)).toContain('chaos')
  })

  it('refuses a step that does not exist', () => {
    expect(() => selectSteps(['e3e'])).toThrow('there is no step "e3e"; the steps are dependencies,')
  })
})

describe('the size budget', () => {
  it('follows imports, on demand too if asked, and leaves ONNX Runtime out', () => {
    write(
      'entry.js',
      'import{a as b}from"./shared-1.js";const ort=await import("./ort/ort.wasm.min.mjs");import(`./lazy.js`)',
    )
    write('shared-1.js', 'import "./side-effect.js"')
    write('side-effect.js', 'import"./entry.js"')
    write('lazy.js', '')
    mkdirSync(join(folder, 'ort'))
    write('ort/ort.wasm.min.mjs', '')
    const names = (lazy: boolean) =>
      filesOfEntry(join(folder, 'entry.js'), { lazy }).map((file) => file.slice(folder.length + 1))
    expect(names(false)).toEqual(['entry.js', 'shared-1.js', 'side-effect.js'])
    expect(names(true)).toEqual(['entry.js', 'lazy.js', 'shared-1.js', 'side-effect.js'])
  })
})

describe('a child process', () => {
  it('gives its lines as they come, its output and its exit code', async () => {
    const lines: string[] = []
    const code = 'console.log("one\\ntwo"); process.exitCode = 3'
    const result = await new Children().run(process.execPath, ['-e', code], { onLine: (line) => lines.push(line) })
    expect(lines).toEqual(['one', 'two'])
    expect(result).toEqual({ code: 3, output: 'one\ntwo\n' })
  })

  it('takes its own children with it when it is stopped', async () => {
    const children = new Children()
    const grandchild = `require('net').createServer().listen(0, function () { console.log(this.address().port) })`
    const code = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}], { stdio: 'inherit' })`
    let output = ''
    const child = children.start(process.execPath, ['-e', code], { onLine: (line) => (output = line) })
    await expect.poll(() => output, { timeout: 10_000 }).not.toBe('')
    const port = Number(output)
    expect(await findFreePort(port)).not.toBe(port)
    await children.stopAll()
    expect((await child.ended).output).toContain('ended by SIGTERM')
    await expect.poll(() => findFreePort(port)).toBe(port)
  })

  it('that cannot be started says why', async () => {
    const { code, output } = await new Children().run(join(folder, 'no-such-program'), [])
    expect(code).toBe(127)
    expect(output).toContain('ENOENT')
  })
})

async function listen(host: string): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ port: 0, host }, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  }
}
