/** Packing GGUFs as they are. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packGguf } from '@edgeward/server/pack'
import { describe, expect, it, onTestFinished } from 'vitest'
import { tinyLlama, tinyLlamaGguf } from '../../support/tiny-llama.js'

async function workplace(contents: Uint8Array): Promise<{ file: string; out: string; cacheDir: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'edgeward-pack-gguf-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'Alphabet.gguf')
  await writeFile(file, contents)
  return { file, out: join(folder, 'out'), cacheDir: join(folder, 'cache') }
}

describe('a GGUF', () => {
  it('is packed as it is, with what its header says of the model and what each variant takes', async () => {
    const gguf = tinyLlamaGguf()
    const { manifest, dir, changed } = await packGguf({ ...(await workplace(gguf)), licence: 'MIT' })

    expect(changed).toBe(true)
    expect(manifest).toMatchObject({ id: 'Alphabet', task: 'text-generation', licence: 'MIT', assets: {} })
    expect(manifest.config).toMatchObject({ architecture: 'llama', contextLength: tinyLlama.contextLength, layers: 2 })
    expect(manifest.variants.map(({ dtype, backends }) => `${dtype} ${backends.join()}`)).toEqual(
      expect.arrayContaining(['q8 wasm', 'fp32 wasm', 'q4 webgpu']),
    )
    const { file, inputs } = manifest.variants[0].graphs['model'] ?? {}
    expect(file).toMatchObject({ path: 'Alphabet.gguf', bytes: gguf.length })
    expect(inputs?.map(({ name }) => name)).toEqual(expect.arrayContaining(['input_ids', 'past_key_values.1.value']))
    expect(new Uint8Array(await readFile(join(dir, 'Alphabet.gguf')))).toEqual(gguf)
  })

  it('is not packed again when nothing has changed', async () => {
    const place = await workplace(tinyLlamaGguf())
    await packGguf(place)

    expect((await packGguf(place)).changed).toBe(false)
  })

  it('is refused when it is none', async () => {
    const place = await workplace(new TextEncoder().encode('this is no model'))

    await expect(packGguf(place)).rejects.toThrow(/Alphabet\.gguf: .*GGUF/)
  })
})
