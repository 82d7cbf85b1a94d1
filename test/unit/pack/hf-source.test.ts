/** The `hf:` source, the cache and interruption, with a server on this machine in place of the Hugging Face Hub. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createWorkplace, listAll, tinyMlp, withSources } from './workplace.js'

const onnx = await readFile(join(tinyMlp, 'model.onnx'))
const source = 'hf:org/repo@0123abc/onnx/model.onnx'
const path = '/org/repo/resolve/0123abc/onnx/model.onnx'
const cli = fileURLToPath(new URL('../../../packages/server/dist/cli.js', import.meta.url))

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A hub that answers as told; `requests` are those that came. */
async function startHub(answer: Answer) {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = () => {
    server.closeAllConnections()
    server.close()
  }
  onTestFinished(stop)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the hub has no port')
  const endpoint = `http://127.0.0.1:${address.port}`
  vi.stubEnv('HF_ENDPOINT', endpoint)
  return { requests, stop, endpoint, server }
}

const whole: Answer = (request, response) => {
  if (request.url === path) response.writeHead(200, { 'Content-Length': onnx.length }).end(onnx)
  else response.writeHead(404).end()
}

/** Half of the file, and then nothing more. */
const half: Answer = (_, response) => {
  response.writeHead(200, { 'Content-Length': onnx.length })
  response.write(onnx.subarray(0, onnx.length / 2))
}

afterEach(() => vi.unstubAllEnvs())

describe('hf: source', () => {
  it('fetches repo, revision and path, says how far it is, and shows the token', async () => {
    const hub = await startHub(whole)
    vi.stubEnv('HF_TOKEN', 'a-token')
    const place = await createWorkplace()
    await place.edit(withSources(source))
    const { dir, manifest } = await place.pack()
    expect(await readFile(join(dir, 'model.onnx'))).toEqual(onnx)
    expect(hub.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([[path, 'Bearer a-token']])
    const bytes = place.said.filter(({ kind }) => kind === 'bytes')
    expect(bytes.at(-1)).toMatchObject({ file: 'model.onnx', loadedBytes: onnx.length, totalBytes: onnx.length })
    expect(manifest.provenance).toContainEqual(expect.objectContaining({ file: 'model.onnx', source }))
  })

  it('takes the next source when one fails, and says why', async () => {
    await startHub((_, response) => response.writeHead(403).end())
    const place = await createWorkplace()
    await place.edit(withSources(source, 'file:model.onnx'))
    expect((await place.pack()).changed).toBe(true)
    const [failed] = place.said.filter(({ kind }) => kind === 'source-failed')
    expect(failed).toMatchObject({ source, reason: expect.stringMatching(/answered 403; set HF_TOKEN/) as string })
  })

  it('does not look for another source when a digest is wrong', async () => {
    await startHub((_, response) => response.end('something else'))
    const place = await createWorkplace()
    await place.edit(withSources(source, 'file:model.onnx'))
    await expect(place.pack()).rejects.toThrow(`model.onnx from ${source} is not the file that the recipe means`)
    expect(await listAll(place.out)).toEqual([])
    expect(await listAll(place.cache)).toEqual(['tmp'])
  })

  it('fails, rather than taking half a file, when the connection breaks', async () => {
    await startHub((request, response) => {
      half(request, response)
      request.socket.end()
    })
    const place = await createWorkplace()
    await place.edit(withSources(source))
    await expect(place.pack()).rejects.toThrow('no source of model.onnx answered')
    expect(await listAll(place.cache)).toEqual(['tmp'])
  })
})

describe('the cache', () => {
  it('answers when the source is gone, for another output folder too', async () => {
    const hub = await startHub(whole)
    const place = await createWorkplace()
    await place.edit(withSources(source))
    await place.pack()
    hub.stop()
    const elsewhere = await place.pack({ out: `${place.out}-elsewhere` })
    expect(elsewhere.changed).toBe(true)
    expect(place.said).toContainEqual(expect.objectContaining({ kind: 'verified', from: 'cache' }))
    expect(elsewhere.manifest.provenance).toContainEqual(expect.objectContaining({ source }))
    expect(hub.requests).toHaveLength(1)
  })

  it('is not believed: a damaged file is fetched again', async () => {
    const hub = await startHub(whole)
    const place = await createWorkplace()
    await place.edit(withSources(source))
    const { manifest } = await place.pack()
    const sha256 = manifest.variants[0].graphs['model']?.file.sha256 ?? ''
    await writeFile(join(place.cache, 'sha256', sha256), Buffer.alloc(onnx.length))
    const elsewhere = await place.pack({ out: `${place.out}-elsewhere` })
    expect(await readFile(join(elsewhere.dir, 'model.onnx'))).toEqual(onnx)
    expect(hub.requests).toHaveLength(2)
  })
})

describe('an interrupted run', () => {
  it('rejects with the reason of the abort and leaves nothing', async () => {
    await startHub(half)
    const place = await createWorkplace()
    await place.edit(withSources(source, 'file:model.onnx'))
    const stop = new AbortController()
    const reason = new Error('enough')
    const onProgress = ({ kind }: { kind: string }) => kind === 'bytes' && stop.abort(reason)
    await expect(place.pack({ signal: stop.signal, onProgress })).rejects.toBe(reason)
    expect(await listAll(place.out)).toEqual([])
    expect(await listAll(place.cache)).toEqual(['tmp'])
  })

  it.each(['SIGKILL', 'SIGINT'] as const)(
    'leaves no half model after %s, and the next run is whole',
    async (signal) => {
      const place = await createWorkplace()
      await place.edit(withSources(source))
      const hub = await startHub(half)
      const env = { ...process.env, HF_ENDPOINT: hub.endpoint, EDGEWARD_CACHE: place.cache }
      const killed = spawn(process.execPath, [cli, 'pack', place.recipe, '--out', place.out], { env })
      const stderr: string[] = []
      killed.stderr.on('data', (data: Buffer) => stderr.push(data.toString()))
      await Promise.race([once(hub.server, 'request'), once(killed, 'exit').then(() => expect.fail(stderr.join('')))])
      killed.kill(signal)
      await once(killed, 'close')
      expect(await listAll(place.out)).toEqual([])
      if (signal === 'SIGINT') expect(stderr.join('')).toBe('edgeward: interrupted; nothing was left half-written\n')
      hub.stop()
      await startHub(whole)
      expect((await place.pack()).changed).toBe(true)
      expect(await listAll(place.out)).toEqual(['tiny-mlp', 'tiny-mlp/manifest.json', 'tiny-mlp/model.onnx'])
    },
  )
})
