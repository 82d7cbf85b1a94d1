/** Collects a streamed answer into a whole one. */
import type {
  EngineAnswer,
  GeneratedAnswer,
  GenerationEvent,
  GenerationUsage,
  TokenLogprob,
  ToolCall,
} from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'

/** @param endpoint - who wrote it all */
export async function collect(
  events: AsyncGenerator<GenerationEvent, void>,
  endpoint: string,
): Promise<EngineAnswer<'text-generation'>> {
  let text = ''
  let reasoning = ''
  const logprobs: TokenLogprob[] = []
  const calls = new Map<number, ToolCall>()
  for await (const event of events) {
    if (event.type === 'delta') {
      text += event.text
      logprobs.push(...(event.logprobs ?? []))
    } else if (event.type === 'reasoning') reasoning += event.text
    else if (event.type === 'tool-call') calls.set(event.call, extended(calls.get(event.call), event))
    else if (event.type === 'finish') {
      const answer: GeneratedAnswer = {
        text,
        ...(reasoning !== '' && { reasoning }),
        toolCalls: [...calls.values()],
        finishReason: event.reason,
        ...(logprobs.length > 0 && { logprobs }),
        segments: text === '' ? [] : [{ placement: { engine: 'remote', endpoint }, from: 0, to: text.length }],
      }
      const { timings } = event
      return { output: { ...answer, answers: [answer], usage: whole(event.usage), timings }, timings }
    }
  }
  throw new EdgewardError('INTERNAL', 'an answer ended without saying so')
}

function extended(
  call: ToolCall | undefined,
  { call: position, id, name, arguments: more }: Extract<GenerationEvent, { type: 'tool-call' }>,
): ToolCall {
  return {
    id: call?.id ?? id ?? `call_${position}`,
    name: call?.name ?? name ?? '',
    arguments: (call?.arguments ?? '') + more,
  }
}

/** Endpoints need not count. */
function whole(usage: Partial<GenerationUsage>): GenerationUsage {
  return { promptTokens: 0, completionTokens: 0, ...usage }
}
