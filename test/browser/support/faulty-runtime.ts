/** Puts a fault between the SDK's worker and ONNX Runtime: what its runs answer, as a driver on a bad day has it. */
import { serveFile } from './file-server-client.js'

const builds = {
  wasm: {
    script: 'ort.wasm.min.mjs',
    others: ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'],
  },
  jspi: {
    script: 'ort.jspi.min.mjs',
    others: ['ort-wasm-simd-threaded.jspi.mjs', 'ort-wasm-simd-threaded.jspi.wasm'],
  },
} as const

/** What a fault is told: the real run, what it was asked for, and how many runs there were before this one. */
const wrapper = `
  import { InferenceSession as Real, Tensor } from './real.mjs'
  export * from './real.mjs'
  let runs = 0
  let sessions = 0
  export const InferenceSession = {
    async create(...given) {
      await self.beforeSession?.(sessions++)
      const session = await Real.create(...given)
      const real = session.run.bind(session)
      session.run = (feeds, outputs) => self.fault({ run: () => real(feeds, outputs), feeds, outputs, before: runs++, Tensor })
      return session
    },
  }`

type Build = keyof typeof builds

/** The folders on the file server, by build: the files are large. */
const folders = new Map<Build, Promise<string>>()

/**
 * The address of a script that runs the SDK's worker as it is shipped, with a runtime that has this fault: for `workerUrl`.
 *
 * @param prelude - runs before it; a `self.beforeSession(before)` that it defines is waited for before each session is
 *   made, the one that starts the runtime included
 */
export async function workerWithFault(fault: string, build: Build = 'wasm', prelude = ''): Promise<string> {
  const folder = folders.get(build) ?? serveFaultyRuntime(build)
  folders.set(build, folder)
  const script = (text: string) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
  const before = script(`${prelude}\nself.fault = ${fault}`)
  return script(`import ${JSON.stringify(before)}; import ${JSON.stringify(`${await folder}worker.js`)}`)
}

async function serveFaultyRuntime(build: Build): Promise<string> {
  const { script, others } = builds[build]
  const worker = await serveFile(await shipped('worker.js'), 1 << 24, 'worker.js')
  const folder = worker.url.slice(0, -'worker.js'.length)
  const put = (path: string, body: BodyInit) => fetch(`${folder}ort/${path}`, { method: 'PUT', body })
  await put(script, wrapper)
  await put('real.mjs', await shipped(`ort/${script}`))
  for (const path of others) await put(path, await shipped(`ort/${path}`))
  return folder
}

async function shipped(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await fetch(`/shipped/${path}`)).arrayBuffer())
}
