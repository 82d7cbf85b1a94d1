/** Where in its markup a raw text ends. Pure. */
import type { TextFormat } from '../contract/index.js'

const hermes = { open: '<tool_call>', close: '</tool_call>' }

interface Marks {
  readonly open: string
  readonly close: string
}

/** Whether a text ends inside of its reasoning. */
export function isInsideReasoning(text: string, { reasoning, startsInReasoning = false }: TextFormat): boolean {
  return reasoning !== undefined && isOpen(text, reasoning, startsInReasoning)
}

/** Whether a text ends inside of its reasoning, of a call, or of one of their marks. */
export function isInsideMarkup(text: string, format: TextFormat, hasTools: boolean): boolean {
  const { reasoning } = format
  if (isInsideReasoning(text, format) || (reasoning !== undefined && endsInMark(text, reasoning))) return true
  const tools = hasTools ? format.tools : undefined
  if (tools === 'hermes') return isOpen(text, hermes, false) || endsInMark(text, hermes)
  return tools === 'llama3' && /^\s*[{<]/.test(withoutReasoning(text, reasoning))
}

function isOpen(text: string, { open, close }: Marks, startsOpen: boolean): boolean {
  const openedAt = text.lastIndexOf(open)
  const closedAt = text.lastIndexOf(close)
  return openedAt < 0 && closedAt < 0 ? startsOpen : openedAt > closedAt
}

function endsInMark(text: string, { open, close }: Marks): boolean {
  return endsIn(text, open) || endsIn(text, close)
}

/** Whether a text ends with the beginning of a mark, and no more. */
function endsIn(text: string, mark: string): boolean {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(mark.slice(0, length))) return true
  }
  return false
}

/** A call of Llama's is the whole text. */
function withoutReasoning(text: string, reasoning: Marks | undefined): string {
  const closedAt = reasoning === undefined ? -1 : text.lastIndexOf(reasoning.close)
  return reasoning === undefined || closedAt < 0 ? text : text.slice(closedAt + reasoning.close.length)
}
