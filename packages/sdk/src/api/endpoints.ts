/** Makes the engines of endpoints, and has what is learnt of them kept. */
import type { EdgewardEvents, Processor, TaskName } from '../contract/index.js'
import { canAnswer, createOipEngine, createOpenAiEngine, type ReportedLoad } from '../remote/index.js'
import type { Emitter } from '../telemetry/index.js'
import type { Knowledge, KnowledgeOptions } from './knowledge.js'
import type { ResolvedClientOptions } from './resolve-options.js'

/** The endpoints, and what is learnt of them and of this device; each is told by the other. */
export function knowEndpoints(
  { remote }: ResolvedClientOptions,
  emitter: Emitter<EdgewardEvents>,
  processor: Processor,
  know: (endpoints: KnowledgeOptions) => Knowledge,
) {
  const knowledge: Knowledge = know({
    isReady: async (endpoint) => (await remotes.get(endpoint)?.isReady()) ?? false,
    onChange: (endpoint, state, reason) => emitter.emit('health', { part: 'endpoint', endpoint, state, reason }),
  })
  const onLoad = (endpoint: string, load: ReportedLoad) =>
    knowledge.loads.report(endpoint, { ...load, at: performance.now() })
  const engines = remote.map((options) =>
    options.protocol === 'openai' ? createOpenAiEngine(options, onLoad) : createOipEngine(options, processor, onLoad),
  )
  const remotes = new Map(engines.map((engine) => [engine.placement.endpoint, engine]))
  const told = new Map(engines.map(({ placement }, index) => [placement.endpoint, remote[index]]))
  const answers = (endpoint: string, task: TaskName, model: string) => {
    const options = told.get(endpoint)
    return options !== undefined && canAnswer(options, task, model)
  }
  return { knowledge, remotes, answers }
}
