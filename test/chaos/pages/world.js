/** The page of the chaos tests: a client, what it was asked, what it has told, and what is left of it. */
import { ask } from './requests.js'

const eventNames = ['ready', 'storage', 'fallback', 'answer', 'placement', 'health', 'request']
const liveWorkers = new Set()
const events = []
const outcomes = []
let startedWorkers = 0
let phase
let edge

/** How far the page's clock is ahead. */
let aheadMs = 0
const { now } = Date
Date.now = () => now() + aheadMs

globalThis.Worker = class extends Worker {
  constructor(...given) {
    super(...given)
    startedWorkers += 1
    liveWorkers.add(this)
  }
  terminate() {
    liveWorkers.delete(this)
    super.terminate()
  }
}

/** Makes the client. @param sdk - the address of the SDK's script */
async function open(options, sdk) {
  const { createClient } = await import(sdk)
  edge = createClient(options)
  for (const name of eventNames) edge.on(name, (event) => events.push({ name, event }))
  edge.on('download', (progress) => (phase = progress.phase))
}

/** A lock of a worker that was ended is let go a moment later. */
async function heldLocks(tries = 40) {
  const { held = [], pending = [] } = await navigator.locks.query()
  const left = [...held, ...pending].filter(({ name }) => name.startsWith('edgeward')).map(({ name }) => name)
  if (left.length === 0 || tries === 0) return left
  await new Promise((resolve) => setTimeout(resolve, 50))
  return heldLocks(tries - 1)
}

/** `free`: it could be deleted; a connection that nobody closed would block that. */
function deleteDatabase() {
  return new Promise((resolve) => {
    const deleting = indexedDB.deleteDatabase('edgeward-weights')
    deleting.onsuccess = () => resolve('free')
    deleting.onerror = () => resolve(String(deleting.error))
    deleting.onblocked = () => resolve('blocked')
  })
}

/** Whether the events told of every request, and of each answer where it came from and what was tried before. */
function isToldTruly() {
  const told = (name) => events.filter((one) => one.name === name).map(({ event }) => event)
  const inWords = (answers) =>
    answers.map(({ placement, attempts }) => JSON.stringify([placement, attempts.map(({ code }) => code)])).sort()
  const answered = outcomes.filter(({ state }) => state === 'answered')
  return told('request').length === outcomes.length && inWords(told('answer')).join() === inWords(answered).join()
}

/** Has something happen in the live faulty workers; resolves when one of them says that it heard. */
function strike(faults) {
  return new Promise((resolve, reject) => {
    const channel = new BroadcastChannel('chaos')
    const timer = setTimeout(reject, 10_000, new Error('no worker heard of the fault'))
    channel.onmessage = ({ data }) => {
      if (data !== 'heard') return
      clearTimeout(timer)
      channel.close()
      resolve()
    }
    channel.postMessage({ faults })
  })
}

globalThis.world = {
  open,
  /** Puts the page's clock forward: what rests for a time has rested. */
  later: (ms) => (aheadMs += ms),
  async ask(asked, options) {
    const settled = await ask(edge, asked, options)
    outcomes.push(...settled)
    return settled
  },
  strike,
  deleteDatabase,
  events,
  /** The client, for what only one test asks. */
  get edge() {
    return edge
  },
  /** Of the last load. */
  get phase() {
    return phase
  },
  /** How many workers were not ended, and how many there were. */
  get workers() {
    return { live: liveWorkers.size, started: startedWorkers }
  },
  dispose: () => edge?.dispose(),
  /** What is left when every client of the origin was disposed. */
  async left() {
    const rest = { workers: liveWorkers.size, locks: await heldLocks(), database: await deleteDatabase() }
    return { ...rest, isToldTruly: isToldTruly() }
  },
}
