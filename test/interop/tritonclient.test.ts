/** The reference endpoint, driven by a client that is not ours: NVIDIA's `tritonclient[http]` from PyPI. */
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { startPrepared } from './support/prepared-models.js'
import { pythonWith, runPython } from './support/python.js'

const version = '2.73.0'
const script = fileURLToPath(new URL('drive_endpoint.py', import.meta.url))
const texts = ['hé', '', 'a\nb', '日本']

interface Answer {
  readonly id: string
  readonly model: string
  readonly output: unknown
}

describe('tritonclient', () => {
  let python: string
  beforeAll(async () => {
    python = await pythonWith(`tritonclient-${version}`, [`tritonclient[http]==${version}`])
  })

  it('gets on with the endpoint: health, metadata, inference in JSON and binary, BYTES, refusals', async () => {
    const url = await startPrepared()

    const seen = (await runPython(python, script, [new URL(url).host])) as Record<string, unknown> & {
      json: Answer
      binary: Answer
    }

    expect(seen).toMatchObject({
      live: true,
      ready: true,
      server: { name: 'edgeward', extensions: ['binary_tensor_data'] },
      model: {
        name: 'tiny-mlp',
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
        outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }],
      },
      modelReady: true,
      versionReady: true,
      unknownReady: false,
      json: { id: 'r-7', model: 'tiny-mlp' },
      binary: { id: 'r-7', model: 'tiny-mlp' },
      textJson: { model: 'echo-string', output: texts },
      textBinary: { model: 'echo-string', output: texts },
      unknownModel: { status: '404', message: expect.stringContaining('there is no model "nope"') as string },
      wrongShape: { status: '400', message: expect.stringContaining('input "x" has shape [2, 3]') as string },
    })
    expect(seen['index']).toContainEqual(expect.objectContaining({ name: 'tiny-mlp', state: 'READY' }))
    expect(seen.json.output).toEqual([
      [expect.any(Number), expect.any(Number), expect.any(Number)],
      [expect.any(Number), expect.any(Number), expect.any(Number)],
    ])
    expect(seen.binary.output).toEqual(seen.json.output)
  })
})
