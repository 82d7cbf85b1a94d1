/** The record that makes a model "there", and what it says about chunks; pure. */
import type { CachedModel, Manifest, ManifestFile, ModelSource, VariantDtype } from '../contract/index.js'
import { splitIntoChunks } from './chunks.js'

/** A chunk that a model needs. */
export interface NeededChunk {
  readonly digest: string
  readonly bytes: number
}

/**
 * A model whose assets and at least one variant are stored to the last chunk. It is written after its chunks, in one
 * transaction that makes sure of them. Which chunks are needed follows from these records alone: nothing is counted.
 */
export interface ModelRecord extends CachedModel, ModelSource {
  /** The chunks of the complete variants and of the assets, each once. */
  readonly chunks: readonly NeededChunk[]
}

/** The files of the assets and of a variant. */
export function neededFiles({ assets, variants }: Manifest, dtype: VariantDtype): readonly ManifestFile[] {
  const graphs = variants.filter((variant) => variant.dtype === dtype).flatMap(({ graphs }) => Object.values(graphs))
  return [...Object.values(assets), ...graphs.flatMap(({ file, externalData = [] }) => [file, ...externalData])]
}

/** The chunks of a variant and of the assets, each once. */
export function neededChunks(manifest: Manifest, dtype: VariantDtype): readonly NeededChunk[] {
  return distinct(neededFiles(manifest, dtype).flatMap((file) => splitIntoChunks(file, manifest.chunkBytes)))
}

/** What is stored when `dtype` of a model is complete; what an earlier record of it says stays true where it can. */
export function completedRecord(
  { manifest, manifestUrl }: ModelSource,
  dtype: VariantDtype,
  earlier: ModelRecord | undefined,
  now: number,
  /** When the chunks of this variant were last hashed: by this load, unless a record vouched for them. */
  verifiedAt = now,
): ModelRecord {
  const { id, revision } = manifest
  const same = earlier?.revision === revision ? earlier : undefined
  const chunks = distinct([...(same?.chunks ?? []), ...neededChunks(manifest, dtype)])
  return {
    id,
    revision,
    manifest,
    manifestUrl,
    variants: [...new Set([...(same?.variants ?? []), dtype])],
    chunks,
    bytes: sumBytes(chunks),
    addedAt: same?.addedAt ?? now,
    usedAt: now,
    // Those of other variants this load has not seen. And a clock that ran ahead must not put off the next verification.
    verifiedAt: same?.variants.some((other) => other !== dtype) ? Math.min(same.verifiedAt, verifiedAt) : verifiedAt,
    isPinned: earlier?.isPinned ?? false,
  }
}

/** When the chunks of a variant were verified, if a record says that this was not too long ago. */
export function vouchedAt(
  record: ModelRecord | undefined,
  { manifest }: ModelSource,
  dtype: VariantDtype,
  { now, reverifyAfterMs }: { readonly now: number; readonly reverifyAfterMs: number },
): number | undefined {
  if (record?.revision !== manifest.revision || !record.variants.includes(dtype)) return undefined
  const age = now - record.verifiedAt
  return age >= 0 && age < reverifyAfterMs ? record.verifiedAt : undefined
}

/** A record as the page sees it. */
export function cachedModel(record: ModelRecord): CachedModel {
  const { id, revision, variants, bytes, addedAt, usedAt, verifiedAt, isPinned } = record
  return { id, revision, variants, bytes, addedAt, usedAt, verifiedAt, isPinned }
}

/** The digests that any of these records names. */
export function namedDigests(records: Iterable<Pick<ModelRecord, 'chunks'>>): Set<string> {
  const digests = new Set<string>()
  for (const { chunks } of records) for (const { digest } of chunks) digests.add(digest)
  return digests
}

/** The bytes of all chunks that any of these records names; a shared one counts once. */
export function storedBytes(records: readonly Pick<ModelRecord, 'chunks'>[]): number {
  return sumBytes(distinct(records.flatMap(({ chunks }) => chunks)))
}

export function sumBytes(chunks: readonly NeededChunk[]): number {
  return chunks.reduce((sum, { bytes }) => sum + bytes, 0)
}

function distinct(chunks: readonly NeededChunk[]): readonly NeededChunk[] {
  return [...new Map(chunks.map(({ digest, bytes }, index) => [digest || index, { digest, bytes }])).values()]
}
