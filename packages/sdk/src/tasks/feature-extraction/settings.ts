/** The settings of `feature-extraction`, as a manifest's `config` holds them. */
import type { Manifest } from '../../contract/index.js'
import { manifestInvalid } from '../manifest-parts.js'

export interface Settings {
  /** How token vectors become one: their mean, or the first one. */
  readonly pooling: 'mean' | 'cls'
  /** Whether vectors are scaled to length 1. */
  readonly normalize: boolean
  /** The most tokens of a text that the model reads, special ones included. */
  readonly maxTokens: number
}

/**
 * Reads and checks the settings; all three must be there, since a wrong guess gives wrong vectors without an error.
 *
 * @throws EdgewardError `MANIFEST_INVALID`.
 */
export function readSettings(manifest: Manifest): Settings {
  const { pooling, normalize, maxTokens } = manifest.config
  if (pooling !== 'mean' && pooling !== 'cls') throw wrong(manifest, 'pooling', '"mean" or "cls"')
  if (typeof normalize !== 'boolean') throw wrong(manifest, 'normalize', 'true or false')
  if (typeof maxTokens !== 'number' || !Number.isSafeInteger(maxTokens) || maxTokens < 3) {
    throw wrong(manifest, 'maxTokens', 'a whole number from 3 up')
  }
  return { pooling, normalize, maxTokens }
}

function wrong(manifest: Manifest, key: keyof Settings, right: string) {
  return manifestInvalid(
    manifest,
    `must have config.${key} as ${right}, and has ${JSON.stringify(manifest.config[key])}`,
  )
}
