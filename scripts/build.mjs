/** `npm run build`: builds everything and prints the size budget; fails when a file is over it. */
import { build } from './lib/build.mjs'
import { Children } from './lib/children.mjs'
import { ensureDependencies } from './lib/dependencies.mjs'
import { toolPath } from './lib/root.mjs'
import { messageOf, numberSteps, say, sayBelow, sayText } from './lib/say.mjs'

const children = new Children()
const nextStep = numberSteps(3)

try {
  nextStep('dependencies')
  await ensureDependencies(children, sayBelow)
  nextStep('build')
  await build(children, sayBelow)
  nextStep('size budget')
  const { code, output } = await children.run(toolPath('size-limit'), [])
  sayText(output)
  process.exitCode = code
} catch (error) {
  say(`\nFailed: ${messageOf(error)}`)
  process.exitCode = 1
}
