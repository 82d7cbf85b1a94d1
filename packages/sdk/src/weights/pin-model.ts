/** Completes the source of a model that came without digests, by bringing the files of a variant once. */
import type { ModelSource, VariantDtype } from '../contract/index.js'
import type { ChunkedFile } from './chunked-file.js'
import type { LowPriority } from './foreground-gate.js'
import type { LoadContext } from './load-file.js'
import type { CacheListener, ModelLoads } from './model-loads.js'
import { heldUrl } from './network.js'
import { pinFile } from './pin-file.js'
import { isGraphFile, pinKey, unpinnedFiles, type GraphSignature, type Pin } from './pins.js'
import { fileUrl } from './sources.js'

export interface PinModelOptions {
  readonly signal: AbortSignal
  readonly listener: CacheListener & {
    readonly priority?: LowPriority
    onBytes?(bytes: number, from: 'cache' | 'network'): void
  }
  /** @param where The file, for messages. */
  readSignature(file: ChunkedFile, where: string): GraphSignature
}

/** What pinning a variant brought. */
export interface PinnedModel {
  /** By the files' paths; see `pinned`. */
  readonly pins: ReadonlyMap<string, Pin>
  /** How many bytes came, and were told. */
  readonly bytes: number
  /** Ends the protection of what was stored, and lets go what could not be: called when the load that follows is over. */
  end(): void
}

/** @throws {EdgewardError} as `pinFile` does */
export async function pinModel(
  context: LoadContext,
  loads: ModelLoads,
  source: ModelSource,
  dtype: VariantDtype,
  { signal, listener, readSignature }: PinModelOptions,
): Promise<PinnedModel> {
  const { manifest, manifestUrl, mirrorUrls = [] } = source
  const files = unpinnedFiles(manifest, dtype)
  const pins = new Map<string, Pin>()
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const admission = await loads.admitUnpinned(manifest.id, totalBytes, listener)
  const ends = [() => admission.giveUp()]
  const end = () => ends.splice(0).forEach((finish) => finish())
  let bytes = 0
  try {
    for (const file of files) {
      const url = fileUrl(manifestUrl, file.path)
      const isGiven = url.startsWith(heldUrl(manifest.id))
      const { pin, bytes: held } = await pinFile(context, file, {
        // The user's own files are read again rather than pinned for ever.
        key: isGiven ? undefined : pinKey(manifest, file),
        url,
        mirrorUrls: mirrorUrls.map((mirror) => fileUrl(mirror, file.path)),
        chunkBytes: manifest.chunkBytes,
        signal,
        refusal: admission.refusal,
        priority: listener.priority,
        readSignature: isGraphFile(manifest, file.path) ? readSignature : undefined,
        onBytes: (count, from) => {
          bytes += count
          listener.onBytes?.(count, from)
        },
        onNotStored: (reason) => listener.onNotStored?.(reason),
        onPinned: (chunk) => admission.learnt(chunk),
      })
      pins.set(file.path, pin)
      if (held && !isGiven) ends.push(context.network.hold(url, held))
    }
    return { pins, bytes, end }
  } catch (error) {
    end()
    throw error
  }
}
