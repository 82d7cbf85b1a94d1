/** Failures of the page, and of how it is delivered. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Outcome } from '../../../chaos/support/outcome.js'
import type { Line } from './line.js'
import type { Subject } from './subject.js'

const texts = { texts: 3 }
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

function withPolicy(script: string): Line['injection'] {
  return async (subject) => {
    const policy = `default-src 'self'; script-src 'self' ${script}; worker-src 'self'; connect-src 'self' http:`
    subject.site.headers = { ...isolation, 'Content-Security-Policy': policy }
    await subject.openAndAsk('during', texts)
  }
}

/** The page is killed whenever a session is being made, on up to three visits. */
async function crashWhileLoading(subject: Subject): Promise<void> {
  for (let visits = 0; visits < 3; visits += 1) {
    subject.site.faults = { 'create-hangs': Infinity }
    await subject.open()
    const isMaking = subject.visit
      .evaluate(
        "new Promise((resolve) => (new BroadcastChannel('chaos').onmessage = ({ data }) => data === 'making' && resolve()))",
      )
      .then(() => 'making' as const)
    const settled = subject.visit.ask({ texts: 1 })
    isMaking.catch(() => undefined)
    settled.catch(() => undefined)
    const first = await Promise.race([isMaking, settled])
    subject.note('during', first === 'making' ? [crashed(visits + 1)] : first)
    if (first !== 'making') return
    await subject.visit.crash()
  }
}

function crashed(visit: number): Outcome {
  const message = `the page was killed on visit ${visit}`
  return { kind: 'text', index: 0, ms: 0, state: 'failed', name: 'crash', message, attempts: [], cause: '' }
}

async function fromElsewhere(subject: Subject): Promise<void> {
  const cdn = await subject.startSite()
  try {
    const policy = `script-src 'self' blob: 'wasm-unsafe-eval' ${cdn.url}; worker-src 'self'`
    subject.site.headers = { ...isolation, 'Content-Security-Policy': policy }
    await subject.openAndAsk('during', texts, { from: cdn.url })
  } finally {
    await cdn.close()
  }
}

async function freeze(subject: Subject): Promise<void> {
  const session = await subject.visit.session()
  const asking = subject.ask('during', { texts: 8 })
  await session.send('Page.setWebLifecycleState', { state: 'frozen' })
  await delay(2_000)
  await session.send('Page.setWebLifecycleState', { state: 'active' })
  await asking
}

async function askInServiceWorker(subject: Subject): Promise<void> {
  const script = subject.side === 'transformers' ? '/containment/service-worker.js' : '/chaos/service-worker.js'
  const remote = subject.side === 'endpoint' ? [{ protocol: 'oip', url: subject.world.endpoint.url }] : []
  const message = { options: { remote, models: `${subject.site.url}/models/` }, asked: { tensors: 3 } }
  const { outcomes } = await subject.visit.evaluate<{ outcomes: Outcome[] }>(`
    navigator.serviceWorker.register('${script}', { type: 'module' }).then(async (registration) => {
      const worker = registration.installing ?? registration.waiting ?? registration.active
      const { port1, port2 } = new MessageChannel()
      const answer = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)))
      worker.postMessage(${JSON.stringify(message)}, [port2])
      return answer
    })`)
  subject.note('during', outcomes)
}

export const pageLines: readonly Line[] = [
  {
    row: 8,
    failure: 'The system kills the page whenever this model is loading',
    injected: '`Page.crash` while a session is being made, on up to three visits',
    isFaulty: true,
    isPages: true,
    injection: crashWhileLoading,
  },
  {
    row: 13,
    failure: 'The page is not isolated',
    injected: 'no COOP and COEP headers',
    isPages: true,
    async injection(subject) {
      subject.site.headers = {}
      await subject.openAndAsk('during', texts)
    },
  },
  {
    row: 15,
    failure: 'A Content-Security-Policy without `wasm-unsafe-eval`',
    injected: '`script-src` and `worker-src` are `self`',
    isPages: true,
    injection: withPolicy(''),
  },
  {
    row: 15,
    failure: 'A Content-Security-Policy without `blob:`',
    injected: 'the same with `wasm-unsafe-eval`',
    isPages: true,
    injection: withPolicy("'wasm-unsafe-eval'"),
  },
  {
    row: 16,
    failure: 'The library comes from another origin, and workers from there are forbidden',
    injected: 'a second server; `script-src` allows it, and `blob:`; `worker-src` is `self`',
    isPages: true,
    injection: fromElsewhere,
  },
  {
    row: 28,
    failure: 'The page is frozen with requests under way',
    injected: '`Page.setWebLifecycleState`, for two seconds',
    injection: freeze,
  },
  {
    row: 30,
    failure: 'The library runs in a service worker',
    injected: 'a module service worker that asks `tiny-mlp`',
    injection: askInServiceWorker,
  },
]
