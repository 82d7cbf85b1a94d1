/** The error that says that an endpoint cannot go on with an answer; it might write another one. */
import { EdgewardError } from '../../errors/index.js'

/** `REMOTE_REJECTED` with `details.resumable: false`: nothing of the answer has been told. */
export function cannotContinue(url: string, why: string): EdgewardError {
  return new EdgewardError('REMOTE_REJECTED', `${url} cannot go on with an answer that began elsewhere: ${why}`, {
    details: { url, resumable: false },
  })
}
