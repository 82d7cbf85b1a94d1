/** The thread that holds one ONNX Runtime session: `run` blocks, and must not block the endpoint. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import type { Tensor, TensorMap } from 'edgeward'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { messageOf } from './message-of.js'
import type { ServedFile } from './read-models.js'
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
  for (const file of files) await checkFile(file)
  return InferenceSession.create(files[0].filePath, { logSeverityLevel, intraOpNumThreads: threadsPerRun })
}

/** A file that is not what its manifest says could give wrong answers without any error. */
async function checkFile({ filePath, bytes, sha256 }: ServedFile): Promise<void> {
  const hash = createHash('sha256')
  const file = createReadStream(filePath)
  await pipeline(file, hash)
  const found = hash.digest('hex')
  if (found === sha256) return
  throw new Error(
    `${filePath} has ${file.bytesRead} bytes with SHA-256 ${found}, but its manifest says ${bytes} bytes with ${sha256}: pack the model again`,
  )
}

async function answer(session: InferenceSession, inputs: TensorMap, outputs: readonly string[]): Promise<SessionReply> {
  try {
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toOrt(tensor)]))
    const results = await session.run(feeds, outputs)
    return { kind: 'outputs', outputs: Object.fromEntries(outputs.map((name) => [name, fromOrt(results[name], name)])) }
  } catch (thrown) {
    return { kind: 'failed', message: messageOf(thrown) }
  }
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
