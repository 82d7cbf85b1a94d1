/** What would be published: checked on the packed tarballs, as somebody who installs them would meet it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installPackage, packPackage, runTool, type PackedPackage } from './packed-package.js'

describe.each([
  // A script tag and a worker are loaded, not imported: they have no types.
  { folder: 'packages/sdk', withoutTypes: ['./script', './worker'] },
  { folder: 'packages/server', withoutTypes: [] },
])('the package of $folder', ({ folder, withoutTypes }) => {
  let packed: PackedPackage
  beforeAll(async () => {
    packed = await packPackage(folder)
  })
  afterAll(() => packed[Symbol.asyncDispose]())

  it('has nothing that publint objects to', async () => {
    const { ok, output } = await runTool('publint', ['run', packed.tarball, '--strict'])
    expect(ok, output).toBe(true)
  })

  it('has types that every resolver of ES modules finds', async () => {
    const excluded = withoutTypes.length === 0 ? [] : ['--exclude-entrypoints', ...withoutTypes]
    const { ok, output } = await runTool('attw', [packed.tarball, '--profile', 'esm-only', '--no-emoji', ...excluded])
    expect(ok, output).toBe(true)
  })

  it('carries neither sources nor leftovers of the build', () => {
    const unwanted = packed.files.filter((file) => /\.tsbuildinfo$|^src\/|(^|\/)node_modules\/|\.test\./.test(file))
    expect(unwanted).toEqual([])
  })
})

describe('an installed package', () => {
  it('of the SDK does nothing and throws nothing when it is imported in Node', async () => {
    await using sdk = await packPackage('packages/sdk')
    await using installed = await installPackage(sdk)
    const { stdout } = await installed.node(`
      const globals = Reflect.ownKeys(globalThis).length
      const { createClient } = await import('edgeward')
      const { parseManifest } = await import('edgeward/manifest')
      const { decodeInferResponse } = await import('edgeward/oip')
      const { logToConsole } = await import('edgeward/exporters')
      const { exportToCollector } = await import('edgeward/opentelemetry')
      const doors = [createClient, parseManifest, decodeInferResponse, logToConsole, exportToCollector].map((door) => typeof door)
      const running = process.getActiveResourcesInfo().filter((name) => ['Timeout', 'MessagePort', 'TCPSocketWrap'].includes(name))
      console.log(JSON.stringify({ doors, running, newGlobals: Reflect.ownKeys(globalThis).length - globals }))`)
    const { doors, ...others } = JSON.parse(stdout) as { readonly doors: readonly string[] }
    expect(new Set(doors)).toEqual(new Set(['function']))
    expect(others).toEqual({ running: [], newGlobals: 0 })
  })

  it('of the endpoint opens both its doors with the dependencies that it declares', async () => {
    await using server = await packPackage('packages/server')
    await using installed = await installPackage(server)
    const { stdout } = await installed.node(`
      const doors = [await import('@edgeward/server'), await import('@edgeward/server/pack')]
      console.log(JSON.stringify(doors.map((door) => Object.keys(door).length > 0)))`)
    expect(JSON.parse(stdout)).toEqual([true, true])
  })
})
