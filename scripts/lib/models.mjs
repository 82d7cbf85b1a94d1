/** Prepares the models with the packing tool, which must have been built. */

/**
 * @param {(line: string) => void} log
 * @param {{ readonly includeTestModels: boolean }} options
 */
export async function ensureModels(log, { includeTestModels }) {
  // Imported late: it imports the built server package.
  const { prepareModels } = await import('../prepare-models.mjs')
  await prepareModels({ includeTestModels, log })
}
