/** The engines as requests use them: while an endpoint is asked, downloads of low priority pause. */
import type { Engine } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import type { Engines } from '../router/index.js'
import type { BackgroundLoads } from './background-loads.js'

export function yieldingTo(loads: BackgroundLoads, engines: Engines): Engines {
  const remotes = [...engines.remotes].map(([endpoint, engine]) => [endpoint, yielding(loads, engine)] as const)
  return { ...engines, remotes: new Map(remotes) }
}

function yielding(loads: BackgroundLoads, engine: Engine): Engine {
  return {
    kind: 'remote',
    prepare: (...given) => engine.prepare(...given),
    run: (...given) => loads.withForeground(() => engine.run(...given)),
    // A text trickles: downloads need not wait for it.
    stream: (...given) => engine.stream?.(...given) ?? noStream(),
    dispose: () => engine.dispose(),
  }
}

function noStream(): ReadableStream<never> {
  const message = 'The endpoint speaks a protocol that has no streams of text; one of the protocol openai is needed.'
  const error = new EdgewardError('REMOTE_REJECTED', message)
  return new ReadableStream({ start: (controller) => controller.error(error) })
}
