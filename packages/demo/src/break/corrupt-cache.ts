/** Damages what Edgeward keeps of a model, as a failing disk would. */

/** Where the SDK keeps verified chunks, and the records of the models that they make. */
const database = 'edgeward-weights'

interface ModelRecord {
  readonly chunks: readonly { readonly digest: string; readonly bytes: number }[]
}

/** Puts zeros in the place of the largest chunk of a model; resolves with their number: 0 when nothing is stored of it. */
export async function corruptCache(model: string): Promise<number> {
  const opened = await settled(indexedDB.open(database))
  try {
    if (!opened.objectStoreNames.contains('models')) return 0
    const stores = opened.transaction(['models', 'chunks'], 'readwrite')
    const record = (await settled(stores.objectStore('models').get(model))) as ModelRecord | undefined
    const [largest] = [...(record?.chunks ?? [])].sort((one, other) => other.bytes - one.bytes)
    if (largest === undefined) return 0
    await settled(stores.objectStore('chunks').put(new Blob([new Uint8Array(largest.bytes)]), largest.digest))
    return largest.bytes
  } finally {
    opened.close()
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('IndexedDB did not say why'))
  })
}
