/** The thread that holds one ONNX Runtime session: `run` blocks, and must not block the endpoint. */
import { dirname, relative, sep } from 'node:path'
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import type { Tensor, TensorMap } from 'edgeward'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { messageOf } from './message-of.js'
import { readModelFile } from './model-file.js'
import type { SessionReply, SessionRequest, SessionSource } from './session-messages.js'

/** Only fatal ones: failures are reported by what is thrown, and ONNX Runtime's own lines would break a JSON log. */
const logSeverityLevel = 4

if (parentPort) await serveSession(parentPort, workerData as SessionSource)

async function serveSession(port: MessagePort, source: SessionSource): Promise<void> {
  const reply = (message: SessionReply) => port.postMessage(message)
  let session: InferenceSession
  try {
    session = await openSession(source)
  } catch (thrown) {
    reply({ kind: 'failed', message: messageOf(thrown) })
    return
  }
  port.on('message', (request: SessionRequest) => {
    if (request.kind === 'close') void session.release().finally(() => port.close())
    else void answer(session, request.inputs, request.outputs).then(reply)
  })
  reply({ kind: 'ready' })
}

async function openSession(source: SessionSource): Promise<InferenceSession> {
  const { files, threadsPerRun } = source
  const [graph, ...others] = files
  const folder = dirname(graph.filePath)
  // From memory: a path would be read after it was checked, and ONNX Runtime maps external data for the session's life,
  // so that a file that is overwritten or cut short later would change the answers, or end the process.
  const externalData = []
  for (const file of others) {
    const path = relative(folder, file.filePath).split(sep).join('/')
    externalData.push({ path, data: await readModelFile(file) })
  }
  return InferenceSession.create(await readModelFile(graph), {
    logSeverityLevel,
    intraOpNumThreads: threadsPerRun,
    ...(externalData.length > 0 ? { externalData } : {}),
  })
}

async function answer(session: InferenceSession, inputs: TensorMap, outputs: readonly string[]): Promise<SessionReply> {
  try {
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toOrt(tensor)]))
    const results = await session.run(feeds, outputs)
    return { kind: 'outputs', outputs: Object.fromEntries(outputs.map((name) => [name, fromOrt(results[name], name)])) }
  } catch (thrown) {
    const message = messageOf(thrown)
    return { kind: isRefusal(message) ? 'refused' : 'failed', message }
  }
}

/** Whether a node of the graph could not work on the values; ONNX Runtime says so in words only. */
function isRefusal(message: string): boolean {
  return message.startsWith('Non-zero status code returned while running') && !/alloc|memory/i.test(message)
}

function toOrt({ dtype, data, shape }: Tensor): OrtTensor {
  return new OrtTensor(dtype, data, shape)
}

function fromOrt(tensor: OrtTensor | undefined, name: string): Tensor {
  if (!tensor) throw new Error(`the session gave no output "${name}"`)
  const { type: dtype, dims: shape, data } = tensor
  // `Tensor` has every dtype that ONNX Runtime gives but the 4-bit ones, which no graph has as an output.
  if (dtype !== 'float16' || data instanceof Uint16Array) return { dtype, shape, data } as Tensor
  // A Node that has Float16Array gets it here; in Edgeward, float16 travels as its bits.
  const { buffer, byteOffset, length } = data as unknown as Uint16Array
  return { dtype, shape, data: new Uint16Array(buffer, byteOffset, length) }
}
