/** The name of a model as everybody but the caller writes it. */
import { EdgewardError } from '../errors/index.js'
import { absoluteModelName } from '../shared/index.js'

/** Addresses of GGUFs are relative to the page. @throws EdgewardError INVALID_OPTION */
export function namedHere(model: string): string {
  try {
    return absoluteModelName(model, globalThis.document?.baseURI ?? globalThis.location?.href)
  } catch (cause) {
    const message = `The model ${JSON.stringify(model)} is no address; outside a page it must be an absolute URL.`
    throw new EdgewardError('INVALID_OPTION', message, { details: { option: 'model', value: model }, cause })
  }
}
