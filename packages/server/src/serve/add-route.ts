/** Adds routes that say so when they are asked with another verb. */
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods, RouteHandlerMethod } from 'fastify'
import { failure, failureBody } from './failure.js'

/** Adds a route, and answers every other verb on its address with 405. */
export function addRoute(app: FastifyInstance, method: 'GET' | 'POST', url: string, handler: RouteHandlerMethod): void {
  app.route({ method, url, handler })
  const allowed = method === 'GET' ? 'GET, HEAD' : 'POST'
  const others: HTTPMethods[] = [method === 'GET' ? 'POST' : 'GET', 'PUT', 'PATCH', 'DELETE']
  const refuse = async (_request: FastifyRequest, reply: FastifyReply) =>
    reply
      .code(405)
      .header('Allow', allowed)
      .send(failureBody(url, failure(405, `${url} takes ${allowed} only`)))
  app.route({ method: others, url, handler: refuse, exposeHeadRoute: false })
}
