/** The packing tool's name and version, as manifests carry it. */
import { createRequire } from 'node:module'

const { name, version } = createRequire(import.meta.url)('../../package.json') as { name: string; version: string }

export const toolVersion = `${name}@${version}`
