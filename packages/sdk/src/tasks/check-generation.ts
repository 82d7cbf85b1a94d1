/** Checks what a text is to be generated from. */
import { EdgewardError, type ErrorDetails } from '../errors/index.js'
import { describeValue } from './describe-value.js'

const roles: readonly unknown[] = ['system', 'developer', 'user', 'assistant', 'tool']

/** @throws EdgewardError INVALID_INPUT naming what came and what is right */
export function checkGeneration(input: unknown): void {
  const { messages, prompt, tools } = objectOf(input) ?? {}
  if ((messages === undefined) === (prompt === undefined)) {
    throw invalid(`takes { messages } or { prompt }, one of them, and was given ${describeValue(input)}`)
  }
  if (prompt !== undefined) {
    checkPrompt(prompt)
    return
  }
  if (!Array.isArray(messages) || messages.length === 0) {
    throw invalid(`takes at least one message in a list, and was given ${describeValue(messages)}`)
  }
  messages.forEach(checkMessage)
  if (tools !== undefined) checkTools(tools)
}

function checkTools(tools: unknown): void {
  if (Array.isArray(tools) && tools.every((tool) => typeof objectOf(tool)?.['name'] === 'string')) return
  throw invalid('takes tools in a list, each of them { name, description, parameters }')
}

function checkPrompt(prompt: unknown): void {
  if (typeof prompt === 'string') return
  const isTokens = Array.isArray(prompt) && prompt.every((id) => Number.isSafeInteger(id) && id >= 0)
  if (!isTokens) throw invalid(`takes a prompt that is a text or token ids, and was given ${describeValue(prompt)}`)
}

function checkMessage(message: unknown, index: number): void {
  const { role, content } = objectOf(message) ?? {}
  const wrong = (what: string) =>
    invalid(`takes messages { role, content }; message ${index} ${what}`, { message: index })
  if (!roles.includes(role)) throw wrong(`has the role ${describeValue(role)}; expected ${roles.join(', ')}`)
  if (typeof content !== 'string') throw wrong(`has the content ${describeValue(content)}, expected a text`)
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined
}

function invalid(problem: string, details?: ErrorDetails): EdgewardError {
  return new EdgewardError('INVALID_INPUT', `The task "text-generation" ${problem}.`, { ...(details && { details }) })
}
