/** How the worker asks the page for the token of a hub, which neither keeps. */
import { expose, transfer, wrap } from 'comlink'
import type { ConfigurePayload } from './protocol.js'

/** A token, or a function that gives one; asked anew for every request. */
export type HubToken = string | (() => string | undefined | Promise<string | undefined>)

/** The payload with a port on which the worker asks for the token. */
export function offerToken(
  payload: ConfigurePayload & Required<Pick<ConfigurePayload, 'huggingFace'>>,
  token: HubToken,
): ConfigurePayload {
  const { port1, port2 } = new MessageChannel()
  expose(() => (typeof token === 'string' ? token : token()), port1)
  return transfer({ ...payload, huggingFace: { ...payload.huggingFace, tokenPort: port2 } }, [port2])
}

/** Asks the page on the port that it offered. */
export function askToken(port: MessagePort): () => Promise<string | undefined> {
  return wrap<() => string | undefined>(port)
}
