/** The endpoint in this process, with the models that `node scripts/prepare-models.mjs --test` makes. */
import { fileURLToPath } from 'node:url'
import { createServer, type ServerOptions } from '@edgeward/server'
import { onTestFinished } from 'vitest'

/** `.models/` of the repository. */
export const preparedModels = fileURLToPath(new URL('../../../.models', import.meta.url))

/** @returns The base address, without a slash at its end. */
export async function startPrepared(options: Partial<ServerOptions> = {}): Promise<string> {
  const app = await createServer({ modelsFolder: preparedModels, logLevel: 'warn', ...options })
  onTestFinished(() => app.close())
  return app.listen({ host: '127.0.0.1', port: 0 })
}
