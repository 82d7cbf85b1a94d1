/** Failures of weights on their way, and of what the browser stores. */
import { setTimeout as delay } from 'node:timers/promises'
import { send, type Misbehaviour } from '../../../chaos/support/front.js'
import { answersPage, cutsAfter, holdsBack, sendsZeros } from '../../../chaos/support/misbehaviour.js'
import type { Line } from './line.js'
import { weights } from './site.js'
import type { Subject } from './subject.js'

const texts = { texts: 3 }
const tensors = { tensors: 2 }
/** Replies of so many bytes are weights, or one piece of them. */
const largeBytes = 1024 * 1024

/** The right length; the middle third is zeros. */
const zeroesTheMiddle: Misbehaviour = async (honest, response) => {
  const reply = await honest()
  const third = Math.floor(reply.body.length / 3)
  const body = Buffer.from(reply.body)
  if (body.length > largeBytes) body.fill(0, third, 2 * third)
  send(response, { ...reply, body })
}

/** The weights come so on a first visit. */
function comes(how: Misbehaviour, times?: number): Line['injection'] {
  return async (subject) => {
    await subject.becomeFirstVisit()
    subject.site.misbehave(weights, how, times)
    await subject.openAndAsk('during', texts)
  }
}

/** Asks on a first visit for weights that are held back; does something when they were asked for; lets them come. */
async function whileTheyCome(subject: Subject, deed: () => Promise<void>): Promise<void> {
  await subject.becomeFirstVisit()
  await subject.open()
  const gate = holdsBack()
  subject.site.misbehave(weights, gate.how)
  const asking = subject.ask('during', texts)
  while (!subject.site.requests.some(({ path }) => weights.test(path))) await delay(50)
  await deed()
  gate.release()
  await asking
}

async function withQuota(subject: Subject, quotaSize: number): Promise<void> {
  await subject.becomeFirstVisit()
  await subject.open()
  const session = await subject.visit.session()
  const { url: origin } = subject.site
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize })
  await subject.ask('during', texts)
  await session.send('Storage.overrideQuotaForOrigin', { origin })
}

async function startsWith(subject: Subject, fault: string): Promise<void> {
  subject.site.faults = { [fault]: Infinity }
  await subject.openAndAsk('during', texts)
}

/** Another page deletes what either library has, while the first one has it open. */
async function deleteElsewhere(subject: Subject): Promise<void> {
  const first = subject.visit
  const other = await subject.openAnother()
  await other.evaluate("Promise.all([world.deleteDatabase(), caches.delete('transformers-cache')])")
  await subject.ask('during', texts, first)
  await subject.ask('during', texts, other)
}

async function fourPages(subject: Subject): Promise<void> {
  await subject.becomeFirstVisit()
  await subject.open()
  const pages = [subject.visit]
  while (pages.length < 4) pages.push(await subject.openAnother())
  await Promise.all(pages.map((page) => subject.ask('during', { texts: 1 }, page)))
}

export const storageLines: readonly Line[] = [
  {
    row: 18,
    failure: 'The server answers a page instead of weights',
    injected: 'status 200 with HTML that may be kept, on a first visit',
    injection: comes(answersPage('public, max-age=31536000, immutable')),
  },
  {
    row: 19,
    failure: 'Weights with the right length, and nothing but zeros',
    injected: 'a server that sends zeros, on a first visit',
    injection: comes(sendsZeros),
  },
  {
    row: 19,
    failure: 'Weights with the right length, and zeros in the middle',
    injected: 'the middle third of each large answer is zeros, on a first visit',
    injection: comes(zeroesTheMiddle),
  },
  {
    row: 19,
    failure: 'Weights come cut off',
    injected: 'the connection is cut after half of the answer, twice, on a first visit',
    injection: comes(cutsAfter(0.5), 2),
  },
  {
    row: 20,
    failure: 'A second page reads while the first one writes',
    injected: 'two pages on a first visit, with the weights held back until both want them',
    async injection(subject) {
      let reading = Promise.resolve()
      await whileTheyCome(subject, async () => {
        reading = subject.ask('during', texts, await subject.openAnother())
        // Time to find out that somebody else is loading.
        await delay(1_000)
      })
      await reading
    },
  },
  {
    row: 21,
    failure: 'The site’s quota is full',
    injected: 'a quota of 1 MB on a first visit',
    injection: (subject) => withQuota(subject, 1_000_000),
  },
  {
    row: 23,
    failure: 'The browser’s store cannot be opened',
    injected: '`indexedDB.open` and `caches.open` throw a SecurityError where the library runs',
    isFaulty: true,
    isPages: true,
    injection: (subject) => startsWith(subject, 'database-forbidden'),
  },
  {
    row: 23,
    failure: 'The browser’s store is never opened',
    injected: '`indexedDB.open` and `caches.open` never answer where the library runs',
    isFaulty: true,
    isPages: true,
    isSlow: true,
    injection: (subject) => startsWith(subject, 'database-hangs'),
  },
  {
    row: 25,
    failure: 'The site’s data is deleted in mid-use',
    injected: 'storage is cleared by the DevTools protocol while the weights are coming',
    injection: (subject) => whileTheyCome(subject, () => subject.clearStorage()),
  },
  {
    row: 26,
    failure: 'Another page deletes the library’s store',
    injected: '`indexedDB.deleteDatabase` and `caches.delete` in a second page',
    before: tensors,
    injection: deleteElsewhere,
  },
  {
    row: 27,
    failure: 'The browser has purged the site’s storage',
    injected: 'storage is cleared between two visits',
    async injection(subject) {
      await subject.becomeFirstVisit()
      await subject.openAndAsk('during', texts)
    },
  },
  {
    row: 29,
    failure: 'Several tabs load the same model',
    injected: 'four pages that ask in the same moment, on a first visit',
    injection: fourPages,
  },
]
