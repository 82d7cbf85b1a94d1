/**
 * Ten thousand bodies from fast-check: each is answered with the right outputs or a 4xx that says why.
 *
 * `FUZZ_SEED=<number>` replays a run; every run prints its seed.
 */
import { Agent } from 'node:http'
import { decodeInferRequest } from 'edgeward/oip'
import fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { fuzzedCalls, type FuzzedCall } from './support/bodies.js'
import { copyModels, startEndpoint } from './support/endpoint.js'
import { expectError, infer, inferUrl, Reference, rowOf, send, tokensOf } from './support/requests.js'

const calls = 10_000
const parallel = 16
const mebibyte = 1024 * 1024
const models = ['tiny-mlp', 'all-minilm-l6-v2'] as const

it(
  `${calls} fuzzed bodies: right outputs or a clean 4xx, and the endpoint is as before`,
  { timeout: 240_000 },
  async () => {
    const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
    console.log(`fuzzing with FUZZ_SEED=${seed}`)
    const { url, residentBytes, hasEnded } = await startEndpoint(await copyModels(...models), ['--log-level', 'silent'])
    const references = new Map<string, Reference>()
    for (const model of models) references.set(model, await Reference.open(model))
    const agent = new Agent({ keepAlive: true, maxSockets: parallel })
    onTestFinished(() => agent.destroy())
    const works = async () => {
      const row = rowOf(1, 2, 3, 4)
      await references.get('tiny-mlp')?.expectSame(row, await infer(url, 'tiny-mlp', row))
      const tokens = tokensOf(101, 7592, 102)
      await references.get('all-minilm-l6-v2')?.expectSame(tokens, await infer(url, 'all-minilm-l6-v2', tokens))
    }
    await works()
    const statuses = new Map<number, number>()
    const ask = async (call: FuzzedCall) => {
      const headers = call.jsonBytes === undefined ? {} : { 'Inference-Header-Content-Length': call.jsonBytes }
      const answer = await send({ url: inferUrl(url, call.model), body: call.body, headers, agent })
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      if (answer.status !== 200) return void expectError(answer, [400, 504])
      const { inputs } = decodeInferRequest(
        call.body,
        call.jsonBytes === undefined ? undefined : Number(call.jsonBytes),
      )
      await references.get(call.model)?.expectSame(inputs, answer)
    }
    // In batches, so that many are under way at a time; a batch that fails is not shrunk, the seed replays it.
    const batches = fc.array(fuzzedCalls, { minLength: parallel, maxLength: parallel })
    const rounds = calls / parallel
    let round = 0
    let before = 0
    const property = fc.asyncProperty(batches, async (batch) => {
      // By then, everything that is made once has been made.
      if (round++ === Math.floor(rounds / 4)) before = residentBytes()
      await Promise.all(batch.map(ask))
    })

    await fc.assert(property, { seed, numRuns: rounds, endOnFailure: true })

    await works()
    expect(hasEnded()).toBe(false)
    expect(residentBytes() - before).toBeLessThan(100 * mebibyte)
    const total = [...statuses.values()].reduce((sum, count) => sum + count, 0)
    expect(total).toBe(calls)
    // The mutations reach beyond the parser.
    expect(statuses.get(200) ?? 0).toBeGreaterThan(calls / 20)
    expect(statuses.get(400) ?? 0).toBeGreaterThan(calls / 2)
  },
)
