/** Options of a generation with nothing left open. */
import type { GenerationOptions } from '../contract/index.js'
import { generationDefaults } from './defaults.js'
import type { SamplerOptions } from './sampling/sampler.js'

export interface ResolvedGenerationOptions extends SamplerOptions {
  readonly maxTokens: number
  readonly stops: readonly string[]
  readonly contextOverflow: 'error' | 'slide'
  readonly promptLookup: 'auto' | 'off'
}

export function resolveGenerationOptions(options: GenerationOptions): ResolvedGenerationOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const { stop = [], ...rest }: GenerationOptions = given
  const seed = rest.seed ?? Math.floor(Math.random() * 2 ** 32)
  return { ...generationDefaults, ...rest, seed, stops: typeof stop === 'string' ? [stop] : stop }
}
