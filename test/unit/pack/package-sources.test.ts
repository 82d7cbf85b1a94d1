/** The `npm:` and `pypi:` sources, with real packages from the registries that npm and pip are configured for. */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Recipe } from '../../../packages/server/src/pack/recipe.js'
import { PackageShelf } from '../../../packages/server/src/pack/sources/package-shelf.js'
import { createWorkplace, withSources, type Workplace } from './workplace.js'

const timeout = 120_000

const fromNpm = {
  'index.js': ['32641b6b3c2bd800bcc8283205ee27426aed2559f1e8eb7d9377530f62292686', 'npm:left-pad@1.3.0/index.js'],
  'README.md': ['a3656c49f5e128558086af08bd30c58672db4fb85df0bfa6ad3c8deee4d6a209', 'npm:left-pad@1.3.0/README.md'],
}
const fromPypi = {
  'six.py': ['c51c91f703d3d4b3696c923cb5fec213e05e75d9215393befac7f2fa6a3904df', 'pypi:six==1.17.0/six.py'],
}

/** The recipe with these files as assets. */
const withAssets =
  (assets: Record<string, string[]>) =>
  (recipe: Recipe): unknown => {
    const files = Object.entries(assets).map(([name, [sha256, ...sources]]) => [name, { sha256, sources }] as const)
    return {
      ...recipe,
      files: { ...recipe.files, ...Object.fromEntries(files) },
      assets: Object.fromEntries(files.map(([name], index) => [`asset${index}`, name])),
    }
  }

async function digestsOfPacked(place: Workplace, names: string[]) {
  const { dir } = await place.pack()
  const contents = await Promise.all(names.map((name) => readFile(join(dir, name))))
  return contents.map((content) => createHash('sha256').update(content).digest('hex'))
}

describe.each([
  ['npm', fromNpm],
  ['pypi', fromPypi],
])('%s: source', (_, assets) => {
  it('takes files out of a real package', { timeout }, async () => {
    const place = await createWorkplace()
    await place.edit(withAssets(assets))
    const digests = await digestsOfPacked(place, Object.keys(assets))
    expect(digests).toEqual(Object.values(assets).map(([sha256]) => sha256))
  })
})

describe('package sources', () => {
  it('say what is wrong: no such version, no such file inside', { timeout }, async () => {
    const place = await createWorkplace()
    const noVersion = { npm: 'npm:left-pad@0.0.0-none/index.js', pypi: 'pypi:six==0.0.0.1/six.py' }
    const noFile = { npm: 'npm:left-pad@1.3.0/lib/none.js', pypi: 'pypi:six==1.17.0/none.py' }
    await place.edit(withSources(noVersion.npm, noVersion.pypi, noFile.npm, noFile.pypi))
    const failure = place.pack()
    await expect(failure).rejects.toThrow(`${noVersion.npm}: npm failed: `)
    await expect(failure).rejects.toThrow(`${noVersion.pypi}: python3 failed: `)
    await expect(failure).rejects.toThrow(`${noFile.npm}: the package has no file lib/none.js`)
    await expect(failure).rejects.toThrow(`${noFile.pypi}: the wheel has no file none.py`)
  })

  it('share one download of a package', async () => {
    const place = await createWorkplace()
    const shelf = new PackageShelf(place.cache)
    const downloads: string[] = []
    const download = async (dir: string) => {
      downloads.push(dir)
      await writeFile(join(dir, 'package.tgz'), '')
    }
    const [one, two] = await Promise.all([shelf.archive('npm:a@1', download), shelf.archive('npm:a@1', download)])
    expect(one).toBe(two)
    expect(await shelf.archive('npm:b@1', download)).not.toBe(one)
    expect(downloads).toHaveLength(2)
  })
})
