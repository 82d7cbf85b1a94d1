/** Vectors of texts by OpenAI's route. */
import { expect, it } from 'vitest'
import { startOpenAiServer } from './support/start-openai-server.js'

it('gives each text its vector, as numbers and as base64, which the openai client asks for by itself', async () => {
  const { client, post } = await startOpenAiServer()

  const ofClient = await client.embeddings.create({ model: 'vectors', input: ['a', 'ac'] })
  const plain = (await (await post('/v1/embeddings', { model: 'vectors', input: 'ac' })).json()) as object

  expect(ofClient.data.map(({ embedding }) => [...embedding])).toEqual([
    [97, 194],
    [98, 196],
  ])
  expect(ofClient.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 })
  expect(plain).toEqual({
    object: 'list',
    model: 'vectors',
    data: [{ object: 'embedding', index: 0, embedding: [98, 196] }],
    usage: { prompt_tokens: 2, total_tokens: 2 },
  })
})
