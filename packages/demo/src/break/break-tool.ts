/** The tool "Break it": a stream of requests, and what they need being taken away meanwhile. */
import { models, type Answering } from '../answering.js'
import { cutEndpoint, type Config } from '../config.js'
import { explainError } from '../explain-error.js'
import { formatBytes } from '../format.js'
import type { RecordPanel } from '../record/record-panel.js'
import { slideConnection } from '../wishes.js'
import { AnswerStream } from './answer-stream.js'
import { BreakLog } from './break-log.js'
import type { BreakablePage } from './breakable-page.js'
import { corruptCache } from './corrupt-cache.js'
import { FaultButtons, type FaultName } from './fault-buttons.js'
import type { Faults } from './faults.js'
import { StreamView } from './stream-view.js'
import { NewsTeller } from './tell-news.js'

const task = 'feature-extraction'
const model = models[task]

export class BreakTool {
  readonly #answering: Answering
  readonly #page: BreakablePage
  readonly #stream: AnswerStream
  readonly #view = new StreamView(() => this.#toggle())
  readonly #buttons = new FaultButtons((name, isOn) => this.#break(name, isOn))
  readonly #log = new BreakLog()
  readonly #teller = new NewsTeller(this.#log)
  #isListening = false
  #breaking = Promise.resolve()

  constructor(answering: Answering, config: Config, record: RecordPanel, page: BreakablePage) {
    this.#answering = answering
    this.#page = page
    const { signal } = new AbortController() // Nothing ends these requests: none may be lost.
    this.#stream = new AnswerStream((texts) => answering.ask(task, texts, signal), {
      onTally: (tally) => this.#view.tally(tally),
      onAnswer: (answered) => record.show(task, 'Stream', answered),
      onOutcome: (outcome) => {
        this.#view.mark(outcome)
        this.#teller.tellOutcome(outcome)
      },
    })
    const { endpoint, connection } = config
    if (connection === undefined) this.#buttons.allow('network', 'The server of this page cannot slow it down.')
    if (connection === undefined) this.#buttons.allow('endpoint', 'The server of this page cannot cut it off.')
    if (endpoint === null) this.#buttons.allow('endpoint', 'This page has no endpoint.')
    slideConnection.listen((isSlow) => this.#buttons.show('network', isSlow))
  }

  /** Finds out what can be broken here. */
  async open(): Promise<void> {
    const { placements, ruledOut } = await this.#answering.explain(task)
    const onGpu = ({ placement }: { readonly placement: object }) =>
      'backend' in placement && placement.backend === 'webgpu'
    const reason = ruledOut.find(onGpu)?.reason ?? 'in this mode nothing runs on the GPU'
    this.#buttons.allow('gpu', placements.some(onGpu) ? undefined : `Not here: ${reason}.`)
  }

  /** Asks nothing more; what is broken stays so until it is mended. */
  close(): void {
    if (!this.#stream.isRunning) return
    this.#stream.stop()
    this.#view.running(false)
  }

  #toggle(): void {
    if (this.#stream.isRunning) this.close()
    else void this.#start()
  }

  /** @returns undefined where that failed, and the log says so */
  async #start(): Promise<Faults | undefined> {
    this.#log.start()
    try {
      const faults = await this.#page.prepare()
      this.#listen()
      this.#stream.start()
      this.#view.running(true)
      return faults
    } catch (error) {
      this.#tellFailure(error)
      return undefined
    }
  }

  /** From the first request on: what happened before is nothing that was broken here. */
  #listen(): void {
    if (this.#isListening) return
    this.#isListening = true
    const teller = this.#teller
    this.#answering.listen({
      onDownload: (progress) => teller.saw(progress),
      onReady: () => teller.ready(),
      onRequest: () => undefined,
      onNews: (news) => teller.tell(news),
    })
  }

  /** One after the other: some take away what another one needs. */
  #break(name: FaultName, isOn: boolean): Promise<void> {
    this.#breaking = this.#breaking.then(async () => {
      const faults = await this.#start()
      if (faults === undefined) return
      try {
        this.#log.add(await this.#does(name, isOn, faults), 'fault')
      } catch (error) {
        this.#tellFailure(error)
      }
    })
    return this.#breaking
  }

  /** For what ends only when the requests have ended that went before it. */
  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => this.#tellFailure(error))
  }

  #tellFailure(error: unknown): void {
    const { sentence, message } = explainError(error)
    this.#log.add(`That did not work: ${sentence} (${message})`, 'fault')
  }

  /** @returns what was done */
  async #does(name: FaultName, isOn: boolean, faults: Faults): Promise<string> {
    switch (name) {
      case 'worker':
        faults.killWorker()
        return 'You killed the worker.'
      case 'gpu':
        return (await faults.loseGpu()) > 0
          ? 'You took the GPU away.'
          : 'The GPU is not in use: there is nothing to lose.'
      case 'cache':
        return this.#corrupt()
      case 'disk':
        faults.fillDisk(isOn)
        this.#inBackground(this.#answering.discard(task))
        return isOn
          ? 'You filled the disk; the model has to come again.'
          : 'There is room again; the model comes once more.'
      case 'endpoint':
        await cutEndpoint(isOn)
        return isOn ? 'You took the endpoint down.' : 'The endpoint is up again.'
      case 'network':
        slideConnection.set(isOn)
        return isOn ? 'You slowed the network.' : 'The network is as fast as before.'
    }
  }

  async #corrupt(): Promise<string> {
    const bytes = await corruptCache(model)
    if (bytes === 0) return 'Nothing of the model is stored yet: wait until it is ready.'
    this.#inBackground(this.#answering.renew())
    return `You overwrote ${formatBytes(bytes)} of the stored model with zeros; it is loaded anew.`
  }
}
