/** What the tests have a page do with the cache, by the client's methods and behind its back; each is the body of a function. */

/** Reaches into the database, as rot, a crash or a newer Edgeward would. */
const intoDatabase = `
  const settled = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
  const withDatabase = async (work, version) => {
    const database = await settled(indexedDB.open('edgeward-weights', version))
    const result = await work(database)
    database.close()
    return result
  }
  const withChunks = (work) => withDatabase((database) =>
    work(database.transaction('chunks', 'readwrite').objectStore('chunks')))
  const keysOfChunks = () => withChunks((chunks) => settled(chunks.getAllKeys()))`

const client = `
  const { createClient } = await import('/sdk/index.js')
  const edge = createClient({ backends: ['wasm'] })
  const model = 'all-minilm-l6-v2'
  const download = async () => {
    let last
    await edge.models.download(model, { onProgress: (progress) => (last = progress) })
    return last.totalBytes - last.cachedBytes
  }
  const isListed = async () => (await edge.models.list()).some(({ id }) => id === model)`

/** Damages a chunk of a cached model, then takes one away; resolves with what was found, and with what was fetched to heal it. */
export const rotAndHeal = `${intoDatabase}${client}
  await download()
  const before = await edge.models.verify(model)
  const [key] = await keysOfChunks()
  const chunkBytes = await withChunks(async (chunks) => {
    const chunk = await settled(chunks.get(key))
    const zeros = new Uint8Array(chunk.size ?? chunk.byteLength)
    await settled(chunks.put(chunk instanceof Blob ? new Blob([zeros]) : zeros.buffer, key))
    return zeros.length
  })
  const rotten = await edge.models.verify(model)
  const wasListed = await isListed()
  const healed = [await download()]
  await withChunks((chunks) => settled(chunks.delete(key)))
  healed.push(await download())
  const after = await edge.models.verify(model)
  const result = { before, rotten, wasListed, healed, chunkBytes, after, isListed: await isListed() }
  await edge.dispose()
  return result`

/** Leaves a chunk that no model needs, prunes it, then removes the model; resolves with what is left each time. */
export const pruneAndRemove = `${intoDatabase}${client}
  await download()
  const needed = await keysOfChunks()
  await withChunks((chunks) => settled(chunks.put(new ArrayBuffer(1000), 'f'.repeat(64))))
  await edge.models.prune()
  const pruned = await keysOfChunks()
  const { freedBytes } = await edge.models.remove(model)
  const { state } = await edge.models.status(model)
  const result = { needed, pruned, freedBytes, state, removed: await keysOfChunks() }
  await edge.dispose()
  return result`

/** Makes the database one of a newer Edgeward, and asks a model; resolves with the answer's place, the reasons, the version. */
export const askBesideNewer = `${intoDatabase}${client}
  await withDatabase(() => undefined, 99)
  const storage = []
  edge.on('storage', ({ reason }) => storage.push(reason))
  const x = { dtype: 'float32', shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) }
  const { placement } = await edge.run('tiny-mlp', { x })
  await edge.dispose()
  const version = await withDatabase((database) => database.version)
  await settled(indexedDB.deleteDatabase('edgeward-weights'))
  return { placement, storage, version }`
