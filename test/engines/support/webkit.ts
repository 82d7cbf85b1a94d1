/** WebKitGTK's small browser, the closest thing to Safari on Linux, through plain WebDriver. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import type { Engine } from './engine.js'

export const webKitDriverPath = '/usr/bin/WebKitWebDriver'
const miniBrowserPath = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser'
const scriptTimeoutMs = 120_000

export async function startWebKit(): Promise<Engine> {
  const port = await freePort()
  const environment = { ...process.env, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' }
  const driver = spawn('xvfb-run', ['-a', webKitDriverPath, `--port=${port}`], { env: environment, detached: true })
  const address = `http://127.0.0.1:${port}/session`
  const options = { binary: miniBrowserPath, args: ['--automation'] }
  const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': options } }
  const { sessionId } = (await retried(() => post(address, { capabilities }))) as { sessionId: string }
  const session = `${address}/${sessionId}`
  await post(`${session}/timeouts`, { script: scriptTimeoutMs })
  return {
    async run(url, body) {
      await post(`${session}/url`, { url })
      const script = `const done = arguments[0]; (async () => { ${body} })().then(done, (error) => done(String(error)))`
      return post(`${session}/execute/async`, { script, args: [] })
    },
    async close() {
      await fetch(session, { method: 'DELETE' })
      end(driver)
    },
  }
}

async function post(url: string, body: object): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  const { value } = (await response.json()) as { value: unknown }
  if (!response.ok) throw new Error(`${url} answered ${JSON.stringify(value)}`)
  return value
}

/** The driver listens a moment after its start. */
async function retried<T>(work: () => Promise<T>, tries = 100): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (tries === 0) throw error
    await new Promise((resolve) => setTimeout(resolve, 100))
    return retried(work, tries - 1)
  }
}

/** The whole group: xvfb-run's display and the browser too. */
function end({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGTERM')
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'))
        else resolve(address.port)
      })
    })
  })
}
