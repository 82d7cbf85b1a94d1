/** Has each side of the benchmark's page write answers in turn, and keeps what each of them took. */

/**
 * @typedef {object} Bench
 * @property {(tokens: number, index: number) => import('./generation-model.mjs').Prompt} prompts
 * @property {number} rounds
 * @property {(line: string) => void} log
 */

/** @typedef {'edgeward' | 'wllama' | 'transformers'} Side */

/**
 * One answer; prefill and decode in tokens a second. What has a `?` only Edgeward tells: `bareDecode` is what its loop measured
 * in the worker.
 *
 * @typedef {object} Answer
 * @property {number} promptTokens
 * @property {number} [cachedTokens]
 * @property {number} tokens
 * @property {string} [text]
 * @property {number} [firstMs]
 * @property {number} prefill
 * @property {number} decode
 * @property {number} [bareDecode]
 * @property {number} [accepted]
 */

/** @typedef {Partial<import('./generation-model.mjs').Prompt> & { messages?: object[], maxTokens: number, promptLookup?: 'auto' }} Request */
/** @typedef {Map<number, Record<Side, Answer[]>>} Speeds by tokens of context */

/** @type {readonly Side[]} */
const sides = ['edgeward', 'wllama', 'transformers']
const decoded = 20
const ways = /** @type {const} */ (['on', 'off'])

/**
 * @param {import('playwright').Page} page
 * @param {readonly number[]} contexts in tokens
 * @param {Bench} bench
 * @returns {Promise<Speeds>}
 */
export async function compareSpeeds(page, contexts, { prompts, rounds, log }) {
  if (contexts.length > 0) await open(page, sides)
  /** @type {Speeds} */
  const speeds = new Map()
  for (const context of contexts) {
    /** @type {Record<Side, Answer[]>} */
    const answers = { edgeward: [], wllama: [], transformers: [] }
    speeds.set(context, answers)
    for (let round = 0; round < rounds; round += 1) {
      const request = { ...prompts(context, round), maxTokens: decoded }
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
        const answer = await generate(page, side, request)
        log(
          `${context} tokens, ${side}: prefill ${answer.prefill.toFixed(1)}, decode ${answer.decode.toFixed(1)} tokens/s`,
        )
        if (Math.abs(answer.promptTokens - context) > 1 || answer.tokens !== decoded)
          throw new Error(`${side} read ${answer.promptTokens} tokens and wrote ${answer.tokens}`)
        answers[side].push(answer)
      }
    }
  }
  return speeds
}

/**
 * Steps at the beginning of a context and far in it, by turns: what the page saw, and what the loop measured.
 *
 * @param {import('playwright').Page} page
 * @param {Bench} bench
 */
export async function measureStream(page, { prompts, rounds, log }) {
  await open(page, ['edgeward'])
  /** @type {{ near: Answer[], far: Answer[] }} */
  const steps = { near: [], far: [] }
  for (let round = 0; round < rounds; round += 1) {
    log(`steps at 64 and at 1,000 tokens: round ${round + 1} of ${rounds}`)
    const near = () => generate(page, 'edgeward', { ...prompts(64, 4 + round), maxTokens: decoded })
    steps.near.push(await near())
    steps.far.push(await generate(page, 'edgeward', { ...prompts(1000, 4 + round), maxTokens: decoded }))
    steps.near.push(await near())
  }
  return steps
}

/**
 * A chat's second question, after its first one; and the same chat, of which nothing is known.
 *
 * @param {import('playwright').Page} page
 * @param {Bench} bench
 */
export async function measureTurns(page, { prompts, rounds, log }) {
  await open(page, ['edgeward'])
  /** @type {{ second: Answer[], all: Answer[] }} */
  const turns = { second: [], all: [] }
  for (let round = 0; round < rounds; round += 1) {
    log(`second turns: round ${round + 1} of ${rounds}`)
    const { text } = prompts(900, round)
    const ask = (/** @type {object[]} */ messages) => generate(page, 'edgeward', { messages, maxTokens: 16 })
    const first = [system(`a${round}`), { role: 'user', content: `What is this about? ${text}` }]
    const answer = await ask(first)
    const rest = [
      { role: 'assistant', content: answer.text },
      { role: 'user', content: 'And who may use it?' },
    ]
    turns.second.push(await ask([...first, ...rest]))
    turns.all.push(await ask([system(`b${round}`), ...first.slice(1), ...rest]))
  }
  return turns
}

/**
 * A text that is to be written again, and a story.
 *
 * @param {import('playwright').Page} page
 * @param {Bench} bench
 */
export async function measureLookup(page, { prompts, rounds, log }) {
  await open(page, ['edgeward'])
  const { ids } = prompts(160, 2)
  const repeating = { ids: [...ids, ...ids, ...ids.slice(0, 40)], maxTokens: 64 }
  const story = [{ role: 'user', content: 'Tell me a short story about a lighthouse keeper and a storm.' }]
  const requests = { repeating, plain: { messages: story, maxTokens: 64 } }
  /** @param {Request} request */
  const compare = async (request) => {
    /** @type {{ on: Answer[], off: Answer[] }} */
    const answers = { on: [], off: [] }
    for (let round = 0; round < rounds; round += 1) {
      log(`prompt lookup: round ${round + 1} of ${rounds}`)
      for (const way of round % 2 === 0 ? ways : ways.toReversed())
        answers[way].push(
          await generate(page, 'edgeward', { ...request, ...(way === 'on' && { promptLookup: 'auto' }) }),
        )
    }
    return answers
  }
  return { repeating: await compare(requests.repeating), plain: await compare(requests.plain) }
}

/** The first tokens of a chat, so that chats do not begin alike. @param {string} name */
function system(name) {
  return { role: 'system', content: `${name} is your name.` }
}

/** @param {import('playwright').Page} page @param {readonly Side[]} names */
async function open(page, names) {
  await page.evaluate(
    async ([script, wanted]) => (await import(script)).openSides(wanted),
    /** @type {const} */ (['/generation.js', names]),
  )
}

/** @param {import('playwright').Page} page @param {Side} side @param {Request} request @returns {Promise<Answer>} */
function generate(page, side, request) {
  return page.evaluate(
    async ([script, name, given]) => (await import(script)).generate(name, given),
    /** @type {const} */ (['/generation.js', side, request]),
  )
}
