/** Reads from a GGUF's header what the SDK itself would make of it. */
import { isEdgewardError } from 'edgeward'
import { draftGguf } from 'edgeward/generation'
import type { Manifest } from 'edgeward/manifest'
import { openFile } from './open-file.js'
import { PackError } from './pack-error.js'

/**
 * @param name What the file is called in its manifest, and in messages.
 * @throws {PackError} when it is no GGUF, or none that can be run.
 */
export async function readDraft(path: string, name: string): Promise<Manifest> {
  const file = await openFile(path).catch((cause: unknown) => {
    throw new PackError(`there is no readable file ${path}`, { cause })
  })
  try {
    const { bytes, read } = file
    return await draftGguf({ id: name, revision: '-', path: name, bytes, read })
  } catch (error) {
    if (isEdgewardError(error)) throw new PackError(`${name}: ${error.message}`, { cause: error })
    throw error
  } finally {
    await file.close()
  }
}
