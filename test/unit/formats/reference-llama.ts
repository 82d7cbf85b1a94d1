/** The forward pass of a language model in plain double precision, straight from its definition: what graphs are compared with. */
import { feedForward, heads, kvHeads, vocabulary, width, type SyntheticModel } from './synthetic-llama.js'

type Vector = readonly number[]

/** The logits after each of `ids`. */
export function referenceLogits(model: SyntheticModel, ids: readonly number[]): readonly Vector[] {
  const weight = (name: string) => model.values.get(name)
  const architecture = String(model.gguf.metadata['general.architecture'])
  const headSize = Number(model.gguf.metadata[`${architecture}.attention.key_length`])
  const multiply = (name: string, x: Vector, rows: number): Vector => {
    const matrix = weight(`${name}.weight`)
    const bias = weight(`${name}.bias`)
    if (!matrix) throw new Error(`no ${name}`)
    return Array.from({ length: rows }, (_, row) =>
      x.reduce((sum, value, column) => sum + value * (matrix[row * x.length + column] ?? 0), bias?.[row] ?? 0),
    )
  }
  const norm = (name: string, x: Vector): Vector => {
    const gains = weight(`${name}.weight`)
    if (!gains) return x
    const size = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length + 1e-5)
    return x.map((value, index) => (value / size) * (gains[index] ?? 0))
  }
  const headsOf = (x: Vector) =>
    Array.from({ length: x.length / headSize }, (_, head) => x.slice(head * headSize, (head + 1) * headSize))
  const factors = weight('rope_freqs.weight')
  const scale = Number(model.gguf.metadata[`${architecture}.rope.scaling.factor`] ?? 1)
  /** llama.cpp rotates neighbours where its converter has reordered the rows, and halves elsewhere. */
  const rotate = (x: Vector, position: number): Vector => {
    const rotated = [...x]
    for (let pair = 0; pair < headSize / 2; pair += 1) {
      const [a, b] = architecture === 'llama' ? [2 * pair, 2 * pair + 1] : [pair, pair + headSize / 2]
      const angle = ((position / scale) * 10_000 ** ((-2 * pair) / headSize)) / (factors?.[pair] ?? 1)
      const [real, imaginary] = [x[a] ?? 0, x[b] ?? 0]
      rotated[a] = real * Math.cos(angle) - imaginary * Math.sin(angle)
      rotated[b] = real * Math.sin(angle) + imaginary * Math.cos(angle)
    }
    return rotated
  }

  const embedding = weight('token_embd.weight') ?? new Float64Array(0)
  let stream: readonly Vector[] = ids.map((id) => [...embedding.subarray(id * width, (id + 1) * width)])
  for (const layer of ['blk.0', 'blk.1']) {
    const normal = stream.map((x) => norm(`${layer}.attn_norm`, x))
    const project = (of: 'q' | 'k', count: number) =>
      normal.map((x, position) =>
        headsOf(multiply(`${layer}.attn_${of}`, x, count * headSize)).map((head) =>
          rotate(norm(`${layer}.attn_${of}_norm`, head), position),
        ),
      )
    const [queries, keys] = [project('q', heads), project('k', kvHeads)]
    const values = normal.map((x) => headsOf(multiply(`${layer}.attn_v`, x, kvHeads * headSize)))
    stream = stream.map((x, position) => {
      const heard = (queries[position] ?? []).flatMap((query, head) => {
        const group = Math.floor((head * kvHeads) / heads)
        const seen = keys.slice(0, position + 1).map((each) => dot(query, each[group] ?? []) / Math.sqrt(headSize))
        const shares = softmax(seen)
        return query.map((_, index) =>
          shares.reduce((sum, share, at) => sum + share * (values[at]?.[group]?.[index] ?? 0), 0),
        )
      })
      return add(x, multiply(`${layer}.attn_output`, heard, width))
    })
    stream = stream.map((x) => {
      const normalised = norm(`${layer}.ffn_norm`, x)
      const up = multiply(`${layer}.ffn_up`, normalised, feedForward)
      const gate = multiply(`${layer}.ffn_gate`, normalised, feedForward)
      const wide = gate.map((value, index) => (value / (1 + Math.exp(-value))) * (up[index] ?? 0))
      return add(x, multiply(`${layer}.ffn_down`, wide, width))
    })
  }
  const head = weight('output.weight') ? 'output' : 'token_embd'
  return stream.map((x) => multiply(head, norm('output_norm', x), vocabulary))
}

function dot(a: Vector, b: Vector): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)
}

function add(a: Vector, b: Vector): Vector {
  return a.map((value, index) => value + (b[index] ?? 0))
}

function softmax(values: Vector): Vector {
  const powers = values.map((value) => Math.exp(value - Math.max(...values)))
  const sum = powers.reduce((a, b) => a + b)
  return powers.map((power) => power / sum)
}
