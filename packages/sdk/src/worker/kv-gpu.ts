/** The first tokens of a KV cache whose tensors are on the GPU: copied there, never read back. */
import type { Tensor as OrtTensor } from 'onnxruntime-web'
import { EdgewardError } from '../errors/index.js'
import type { BorrowedSession } from './ort-session.js'

/** `GPUBufferUsage.COPY_SRC | COPY_DST | STORAGE`, as ONNX Runtime makes its own; TypeScript does not know the flags. */
const likeOnnxRuntime = 0x4 | 0x8 | 0x80

/**
 * A tensor of its own with the first tokens of another one. The device works in order: what was submitted before has been
 * done, and what comes later waits.
 *
 * @param shape - `[1, heads, tokens, headSize]` of what is wanted
 * @param from - how many tokens there are
 */
export function firstOnGpu(
  { runtime, device }: BorrowedSession,
  tensor: OrtTensor,
  shape: readonly [1, number, number, number],
  from: number,
): OrtTensor {
  if (device === undefined)
    throw new EdgewardError('INTERNAL', 'A tensor is on the GPU, and the session has no device.')
  const [, heads, length, headSize] = shape
  const row = headSize * (tensor.type === 'float16' ? 2 : 4)
  const buffer = device.createBuffer({ size: Math.ceil((heads * length * row) / 16) * 16, usage: likeOnnxRuntime })
  const commands = device.createCommandEncoder()
  for (let head = 0; head < heads; head += 1) {
    commands.copyBufferToBuffer(tensor.gpuBuffer, head * from * row, buffer, head * length * row, length * row)
  }
  device.queue.submit([commands.finish()])
  return runtime.ort.Tensor.fromGpuBuffer(buffer, {
    dataType: tensor.type as 'float32' | 'float16',
    dims: [...shape],
    dispose: () => buffer.destroy(),
  })
}
