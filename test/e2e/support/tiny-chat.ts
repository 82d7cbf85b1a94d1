/** A site whose chat runs a tiny model: it knows the alphabet, and says it over and over. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { Children } from '../../../scripts/lib/children.mjs'
import { fromRoot } from '../../../scripts/lib/root.mjs'
import { startEndpoint, startPage } from '../../../scripts/lib/services.mjs'
import { tinyLlamaGguf } from '../../support/tiny-llama.js'

const chatModel = 'smollm2-135m-instruct'

export interface TinyChatSite {
  readonly demoUrl: string
  close(): Promise<void>
}

/** The demo and its endpoint, with the tiny model under the name of the chat's own. */
export async function startTinyChatSite(): Promise<TinyChatSite> {
  const folder = await mkdtemp(path.join(tmpdir(), 'edgeward-chat-'))
  const models = path.join(folder, 'models')
  const gguf = path.join(folder, 'tiny.gguf')
  const children = new Children()
  const close = async () => {
    await children.stopAll()
    await rm(folder, { recursive: true })
  }
  try {
    await writeFile(gguf, tinyLlamaGguf({ contextLength: 2048, isEndless: true }))
    await packed(gguf, models)
    await cp(fromRoot('.models/all-minilm-l6-v2'), path.join(models, 'all-minilm-l6-v2'), { recursive: true })
    const quiet = () => undefined
    const endpoint = await startEndpoint(children, quiet, { models })
    const { url } = await startPage(children, quiet, endpoint.url, { models })
    return { demoUrl: url, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function packed(gguf: string, out: string): Promise<void> {
  const args = ['pack', gguf, '--id', chatModel, '--licence', 'Apache-2.0', '--out', out]
  await promisify(execFile)(process.execPath, [fromRoot('packages/server/dist/cli.js'), ...args])
}
