/** `/models/`: the manifests and files of the models folder, so that one command can back a page. */
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { resolve } from 'node:path'
import type { ModelStore } from '../models/model-store.js'

/** Serves what the manifests name, with Range requests, and nothing else that may lie in the folder. */
export async function addModelFiles(app: FastifyInstance, folder: string, store: ModelStore): Promise<void> {
  await app.register(fastifyStatic, {
    root: resolve(folder),
    prefix: '/models/',
    index: false,
    redirect: false,
    decorateReply: false,
    allowedPath: (path) => store.files.has(path.replace(/^\//, '')),
  })
}
