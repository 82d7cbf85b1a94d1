/** Fetches the libraries that benchmarks compare with, as their packages ship them, and keeps them outside the clone. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { extract } from 'tar'
import { cacheFolder, exists } from './cache-folder.mjs'

/** @typedef {{ name: string, version: string, sha256: string }} Peer */

/** @satisfies {Record<string, Peer>} */
export const peers = {
  transformers: {
    name: '@huggingface/transformers',
    version: '4.3.1',
    sha256: '0325441d6bd7bc7697fccb32ee6e5febc7f89691e42402d071adc678237b8015',
  },
  // The runtime that this version of Transformers.js is built with and loads its WebAssembly from.
  transformersRuntime: {
    name: 'onnxruntime-web',
    version: '1.31.0-dev.20260914-8d85527a0',
    sha256: '0de27582f3e3189dec4a2082513a0af1ea79ae7fd3039bbfe634a526e173cbe0',
  },
  wllama: {
    name: '@wllama/wllama',
    version: '3.8.1',
    sha256: 'bbe65fcc6d128d7853aed6d1699db7541e51a0363dc0135b8b68153acbf74670',
  },
}

/**
 * The folder with a peer's unpacked package; fetched through npm when it is not there yet.
 *
 * @param {Peer} peer
 * @returns {Promise<string>}
 */
export async function peerFolder({ name, version, sha256 }) {
  const folder = path.join(cacheFolder(), 'peers', sha256)
  if (await exists(folder)) return path.join(folder, 'package')
  await mkdir(path.dirname(folder), { recursive: true })
  const temporary = await mkdtemp(`${folder}-`)
  try {
    const { stdout } = await promisify(execFile)('npm', ['pack', '--silent', `${name}@${version}`], { cwd: temporary })
    const tarball = path.join(temporary, stdout.trim())
    const found = createHash('sha256')
      .update(await readFile(tarball))
      .digest('hex')
    if (found !== sha256) throw new Error(`${name}@${version} has the SHA-256 ${found}, expected ${sha256}`)
    await extract({ file: tarball, cwd: temporary })
    await rename(temporary, folder)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
  return path.join(folder, 'package')
}
