/** Where things lie in this repository. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** @param {string[]} segments */
export const fromRoot = (...segments) => path.join(root, ...segments)

/** The path of a tool that the lockfile installs. @param {string} name */
export const toolPath = (name) => fromRoot('node_modules', '.bin', name)

/** Git-ignored folder for what the scripts write down; goes away with the installed dependencies. */
export const cacheFolder = fromRoot('node_modules', '.cache', 'edgeward')
