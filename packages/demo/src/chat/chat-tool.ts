/** A chat whose answers are written on the device, at the endpoint, or begun at one and ended at the other. */
import { isAbortError, type ChatMessage } from 'edgeward'
import { announce } from '../announce.js'
import type { Answering } from '../answering.js'
import type { BreakablePage } from '../break/breakable-page.js'
import { byId, html } from '../dom.js'
import { createNotice } from '../notice.js'
import type { RecordPanel } from '../record/record-panel.js'
import { Answer } from './answer.js'
import { AnswerView, loadMarkdown } from './answer-view.js'
import { Composer } from './composer.js'
import { FaultButton } from './fault-button.js'
import { QuestionView } from './question-view.js'

const task = 'text-generation'
/** Of one answer. */
const mostTokens = 512

interface Turn {
  question: string
  answer: Answer
  readonly view: AnswerView
  readonly element: HTMLElement
}

export class ChatTool {
  readonly #answering: Answering
  readonly #record: RecordPanel
  readonly #page: BreakablePage
  readonly #list = byId('chat-turns', HTMLElement)
  readonly #form = byId('chat-form', HTMLFormElement)
  readonly #composer: Composer
  readonly #fault: FaultButton
  readonly #notice = createNotice(byId('chat-notice', HTMLElement), () => void this.#again())
  #turns: readonly Turn[] = []
  #writing = new AbortController()

  constructor(answering: Answering, record: RecordPanel, page: BreakablePage) {
    this.#answering = answering
    this.#record = record
    this.#page = page
    this.#fault = new FaultButton(page, (sentence) => this.#noteFault(sentence))
    this.#composer = new Composer({
      onSend: (text) => void this.#send(text),
      onStop: () => this.#writing.abort(),
      onNew: () => this.#keep(0),
    })
    this.#keep(0)
  }

  clearNotice(): void {
    this.#notice.clear()
  }

  async #send(question: string): Promise<void> {
    const view = new AnswerView(() => void this.#answer(turn))
    const asked = new QuestionView(question, (text) => void this.#edit(turn, text))
    const element = html('li', { class: 'turn' }, asked.element, view.element)
    const turn: Turn = { question, answer: new Answer(), view, element }
    this.#turns = [...this.#turns, turn]
    this.#list.append(element)
    this.#form.scrollIntoView({ block: 'nearest' })
    await this.#answer(turn)
  }

  async #edit(turn: Turn, question: string): Promise<void> {
    turn.question = question
    this.#keep(this.#turns.indexOf(turn) + 1)
    await this.#answer(turn)
  }

  async #again(): Promise<void> {
    const last = this.#turns.at(-1)
    if (last !== undefined) await this.#answer(last)
  }

  /** Lets go of what came behind so many turns. */
  #keep(turns: number): void {
    this.#writing.abort()
    this.#notice.clear()
    this.#turns.slice(turns).forEach(({ element }) => element.remove())
    this.#turns = this.#turns.slice(0, turns)
    this.#show(false)
  }

  /** Has a turn's answer written, anew if it was written before. */
  async #answer(turn: Turn): Promise<void> {
    this.#writing.abort()
    this.#notice.clear()
    const { signal } = (this.#writing = new AbortController())
    const answer = (turn.answer = new Answer())
    turn.view.restart(answer)
    this.#show(true)
    const end = this.#record.begin(task)
    try {
      await this.#write(turn, answer, signal)
    } catch (error) {
      this.#fail(answer, error, signal)
    } finally {
      end()
      if (turn.answer === answer) turn.view.draw(answer)
      await this.#fault.mend()
      // Another one may be written by now.
      if (this.#writing.signal === signal) this.#show(false)
    }
  }

  async #write(turn: Turn, answer: Answer, signal: AbortSignal): Promise<void> {
    await Promise.all([this.#page.prepare(), loadMarkdown()])
    signal.throwIfAborted()
    const { temperature } = this.#composer.manner
    const options = { temperature, maxTokens: mostTokens, contextOverflow: 'slide' } as const
    const { parts, result } = this.#answering.write({ messages: this.#messagesUntil(turn), ...options }, signal)
    result.catch(() => undefined) // Whoever reads the parts hears of it.
    for await (const part of parts) {
      const moves = answer.happenings.length
      answer.add(part)
      if (part.type === 'placement') this.#fault.show(part.placement)
      if (answer.happenings.length > moves && moves > 0) announce(answer.happenings.at(-1)?.sentence ?? '')
      if (turn.answer === answer) this.#drawSoon(turn, answer)
    }
    this.#record.show(task, 'Chat', await result)
    announce(`Answered: ${answer.text}`)
  }

  #messagesUntil(turn: Turn): readonly ChatMessage[] {
    const { system } = this.#composer.manner
    const before = this.#turns.slice(0, this.#turns.indexOf(turn)).flatMap(messagesOf)
    const said = { role: 'user', content: turn.question } as const
    return [...(system === '' ? [] : [{ role: 'system', content: system } as const]), ...before, said]
  }

  #fail(answer: Answer, error: unknown, signal: AbortSignal): void {
    if (signal.aborted || isAbortError(error)) {
      answer.ending = { is: 'stopped' }
      return
    }
    answer.ending = { is: 'failed' }
    this.#notice.show(error)
    this.#record.fail(task, error)
  }

  #noteFault(sentence: string): void {
    const turn = this.#turns.at(-1)
    if (turn === undefined) return
    turn.answer.note('fault', sentence)
    turn.view.drawSoon(turn.answer)
  }

  #show(isWriting: boolean): void {
    this.#composer.show({ isWriting, isEmpty: this.#turns.length === 0 })
    this.#list.setAttribute('aria-busy', String(isWriting))
    if (!isWriting) this.#fault.show(undefined)
  }

  /** The end of the answer stays in sight for who has it in sight. */
  #drawSoon({ view }: Turn, answer: Answer): void {
    view.drawSoon(answer, () => {
      const isInSight = this.#form.getBoundingClientRect().top < innerHeight
      return () => {
        if (isInSight) this.#form.scrollIntoView({ block: 'nearest' })
      }
    })
  }
}

/** What was stopped before it began is nothing that was said. */
function messagesOf({ question, answer }: Turn): readonly ChatMessage[] {
  const said = { role: 'user', content: question } as const
  return answer.text === '' ? [said] : [said, { role: 'assistant', content: answer.text }]
}
