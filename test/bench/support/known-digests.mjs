/** Knows the SHA-256 of everything that a load hashes, by the length and the first bytes: what hashing costs is found by leaving it out. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import path from 'node:path'

/** As many bytes as `pages/unverified-worker.js` looks at. */
const headBytes = 32

/**
 * The digests of the packed models' chunks, and of ONNX Runtime's files.
 *
 * @param {readonly string[]} modelFolders
 * @param {string} runtimeFolder
 * @returns {Promise<Record<string, string>>} the digest by `<length>:<first bytes>`, both digest and bytes as hex
 */
export async function readKnownDigests(modelFolders, runtimeFolder) {
  /** @type {Record<string, string>} */
  const known = {}
  for (const folder of modelFolders.flatMap(packedModels)) await addModel(known, folder)
  for (const name of readdirSync(runtimeFolder)) {
    const bytes = await readFile(path.join(runtimeFolder, name))
    add(known, bytes.length, bytes.subarray(0, headBytes), createHash('sha256').update(bytes).digest('hex'))
  }
  return known
}

/** @param {string} folder */
function packedModels(folder) {
  const names = existsSync(folder) ? readdirSync(folder) : []
  return names.map((name) => path.join(folder, name)).filter((model) => existsSync(path.join(model, 'manifest.json')))
}

/** @param {Record<string, string>} known @param {string} folder */
async function addModel(known, folder) {
  /** @type {import('edgeward').Manifest} */
  const manifest = JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8'))
  const graphs = manifest.variants.flatMap((variant) => Object.values(variant.graphs))
  const files = graphs.flatMap(({ file, externalData = [] }) => [file, ...externalData])
  for (const file of [...files, ...Object.values(manifest.assets)]) {
    await addFile(known, path.join(folder, file.path), file, manifest.chunkBytes)
  }
}

/**
 * @param {Record<string, string>} known
 * @param {string} file
 * @param {import('edgeward').Manifest['assets'][string]} described
 * @param {number} chunkBytes
 */
async function addFile(known, file, { bytes, chunks }, chunkBytes) {
  const handle = await open(file)
  try {
    for (const [index, digest] of chunks.entries()) {
      const offset = index * chunkBytes
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, offset)
      add(known, Math.min(chunkBytes, bytes - offset), buffer.subarray(0, bytesRead), digest)
    }
  } finally {
    await handle.close()
  }
}

/** @param {Record<string, string>} known @param {number} length @param {Buffer} head @param {string} digest */
function add(known, length, head, digest) {
  const key = `${length}:${head.toString('hex')}`
  if (known[key] !== undefined && known[key] !== digest) throw new Error(`two chunks begin alike: ${key}`)
  known[key] = digest
}
