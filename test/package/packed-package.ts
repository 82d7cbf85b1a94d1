/** Packs a package of this repository as it would be published. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { extract } from 'tar'

const execute = promisify(execFile)

const root = join(import.meta.dirname, '..', '..')

export interface PackedPackage extends AsyncDisposable {
  /** Path of the tarball. */
  readonly tarball: string
  /** Paths inside the package. */
  readonly files: readonly string[]
}

/** Packs the package in `folder`, relative to the root, into a folder of its own that goes away with the result. */
export async function packPackage(folder: string): Promise<PackedPackage> {
  const target = await mkdtemp(join(tmpdir(), 'edgeward-pack-'))
  const { stdout } = await execute('npm', ['pack', '--json', '--pack-destination', target], { cwd: join(root, folder) })
  const { filename, files } = readPackReport(stdout)
  return {
    tarball: join(target, filename),
    files: files.map(({ path }) => path),
    [Symbol.asyncDispose]: () => rm(target, { recursive: true, force: true }),
  }
}

export interface InstalledPackage extends AsyncDisposable {
  /** Runs a module beside which the package is installed. */
  node(code: string): Promise<{ stdout: string; stderr: string }>
}

/** Unpacks a package into an empty folder, with the dependencies that it declares and no others. */
export async function installPackage({ tarball }: PackedPackage): Promise<InstalledPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'edgeward-install-'))
  const unpacked = join(folder, 'unpacked')
  await mkdir(unpacked)
  await extract({ file: tarball, cwd: unpacked, strip: 1 })
  const { name, dependencies = {} } = await readPackageJson(unpacked)
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, dirname(name)), { recursive: true })
  await rename(unpacked, join(modules, name))
  for (const dependency of Object.keys(dependencies)) {
    await mkdir(join(modules, dirname(dependency)), { recursive: true })
    await symlink(join(root, 'node_modules', dependency), join(modules, dependency))
  }
  return {
    node: (code) => execute(process.execPath, ['--input-type=module', '-e', code], { cwd: folder }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Runs a tool that the lockfile installs; resolves with its output whether it succeeds or not. */
export async function runTool(name: string, args: readonly string[]): Promise<{ ok: boolean; output: string }> {
  try {
    const { stdout, stderr } = await execute(join(root, 'node_modules', '.bin', name), args, { cwd: root })
    return { ok: true, output: stdout + stderr }
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return { ok: false, output: stdout + stderr || String(error) }
  }
}

interface PackageJson {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
}

async function readPackageJson(folder: string): Promise<PackageJson> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageJson
}

interface PackReport {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

/** npm 11 prints a list; npm 12 prints an object with a key for each package. */
function readPackReport(json: string): PackReport {
  const parsed = JSON.parse(json) as Record<string, PackReport> | PackReport[]
  const [report] = Object.values(parsed)
  if (report === undefined) throw new Error(`npm pack reported nothing: ${json}`)
  return report
}
