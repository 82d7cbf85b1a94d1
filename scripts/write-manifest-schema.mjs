// @ts-check
/**
 * Writes packages/sdk/manifest.schema.json from the schema that `parseManifest` checks with.
 * Run after a change of that schema: npm run build && node scripts/write-manifest-schema.mjs
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { toJsonSchema } from '@valibot/to-json-schema'
import { format, resolveConfig } from 'prettier'

const schemaPath = fileURLToPath(new URL('../packages/sdk/manifest.schema.json', import.meta.url))

/**
 * The JSON Schema (draft 7) as the text of its file.
 *
 * @param {Parameters<typeof toJsonSchema>[0]} manifestSchema what `edgeward/manifest` exports under this name
 */
export async function manifestJsonSchema(manifestSchema) {
  const { $schema, ...rest } = toJsonSchema(manifestSchema)
  const title = 'Edgeward model manifest'
  const json = JSON.stringify({ $schema, title, ...rest })
  return format(json, { ...(await resolveConfig(schemaPath)), filepath: schemaPath })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { manifestSchema } = await import('edgeward/manifest')
  writeFileSync(schemaPath, await manifestJsonSchema(manifestSchema))
  console.log(`wrote ${schemaPath}`)
}
