/** The end of an exhaustive `switch`: the compiler proves that it is never reached. */
import { EdgewardError } from '../errors/index.js'

export function assertNever(value: never): never {
  throw new EdgewardError('INTERNAL', `unexpected value: ${JSON.stringify(value)}`)
}
