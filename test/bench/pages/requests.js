/** What is asked of the models: a text's embedding of the real one, one run of the synthetic ones. */

/** The text's token ids, which the bare runtime is handed: it has no tokenizer to load. */
const tokenIds = [101n, 1996n, 3345n, 2000n, 4068n, 3727n, 2012n, 2431n, 2627n, 3157n, 1012n, 102n]
const text = 'The train to Berlin leaves at half past nine.'

export const requests = {
  embedding: {
    input: () => text,
    async edgeward(edge, model) {
      const { output } = await edge.pipeline('feature-extraction', model)(text)
      return Array.from(output[0])
    },
    bare() {
      const of = (data) => ({ dtype: 'int64', shape: [1, data.length], data: BigInt64Array.from(data) })
      const feeds = {
        input_ids: of(tokenIds),
        attention_mask: of(tokenIds.map(() => 1n)),
        token_type_ids: of(tokenIds.map(() => 0n)),
      }
      return { feeds, read: (outputs) => pool(Object.values(outputs)[0]) }
    },
  },
  run: {
    input: row,
    async edgeward(edge, model, request) {
      const { output } = await edge.run(model, { x: row(request) })
      return Array.from(output.y.data)
    },
    bare: (request) => ({ feeds: { x: row(request) }, read: ({ y }) => Array.from(y.data) }),
  },
}

/** One row of numbers, some of them negative. */
function row({ width }) {
  return {
    dtype: 'float32',
    shape: [1, width],
    data: Float32Array.from({ length: width }, (_, index) => Math.sin(index)),
  }
}

/** The mean over the tokens, normalised. */
function pool({ shape, data }) {
  const [, tokens, size] = shape
  const sums = Array.from({ length: size }, (_, i) => {
    let sum = 0
    for (let token = 0; token < tokens; token += 1) sum += data[token * size + i]
    return sum
  })
  const length = Math.hypot(...sums)
  return sums.map((sum) => sum / length)
}
