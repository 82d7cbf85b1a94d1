/** The right answers, which those of a broken world are compared with. */
import type { References } from './outcome.js'
import type { World } from './world.js'

/** What the endpoint answers, which is another runtime. @param world - whole, and used for nothing else */
export async function referencesFrom(world: World): Promise<References> {
  const visit = await world.visit({ device: false })
  const answers = await visit.ask({ texts: 6, tensors: 0 })
  const tensors = await visit.ask({ tensors: 6 })
  await world.close()
  const outputs = [...answers, ...tensors].map((outcome) => {
    if (outcome.state !== 'answered') throw new Error(`the endpoint gave no reference: ${JSON.stringify(outcome)}`)
    return outcome
  })
  const of = (kind: 'text' | 'tensor') =>
    outputs
      .filter((outcome) => outcome.kind === kind)
      .sort((a, b) => a.index - b.index)
      .map(({ output }) => output)
  return { text: of('text'), tensor: of('tensor') }
}
