/** The recipe in docs/manifests-and-recipes.md works as it is printed there. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createWorkplace } from './workplace.js'

it('packs the recipe that the guide shows', async () => {
  const guide = await readFile(new URL('../../../docs/manifests-and-recipes.md', import.meta.url), 'utf8')
  const recipe = /```json\n([\s\S]*?)```/.exec(guide)?.[1]
  if (recipe === undefined) throw new Error('the guide shows no recipe')
  const place = await createWorkplace()
  await writeFile(join(place.recipe, 'recipe.json'), recipe)
  const { manifest } = await place.pack()
  expect(manifest).toMatchObject({ id: 'my-model', task: 'tensors' })
  expect(manifest.variants[0].graphs['model']?.canary?.outputs['y']?.values).toHaveLength(3)
})
