/** Finds out what this origin may store. */
import type { StorageCapabilities } from '../contract/index.js'

export async function probeStorage(): Promise<StorageCapabilities> {
  const storage = typeof navigator === 'undefined' ? undefined : navigator.storage
  const [estimate, persisted] = await Promise.all([storage?.estimate?.(), storage?.persisted?.()])
  return {
    ...noStorage(),
    ...(estimate?.usage !== undefined && { usageBytes: estimate.usage }),
    ...(estimate?.quota !== undefined && { quotaBytes: estimate.quota }),
    persisted: persisted ?? false,
  }
}

/** What is known without asking. */
export function noStorage(): StorageCapabilities {
  return { indexedDb: hasIndexedDb(), persisted: false }
}

function hasIndexedDb(): boolean {
  try {
    return typeof indexedDB !== 'undefined'
  } catch {
    return false // Reading the global throws where the user forbids storage.
  }
}
