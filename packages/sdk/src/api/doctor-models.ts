/** What the doctor finds of the servers that models come from. */
import type { Finding, Manifest, ManifestFile, ModelSource } from '../contract/index.js'
import { finding } from './doctor-findings.js'
import { askHeaders, whyNoFile } from './doctor-headers.js'

/** Bytes of the variants that would be used first. */
export function bytesOfModels(models: readonly ModelSource[]): number {
  const files = models.flatMap(({ manifest }) => [...Object.values(manifest.assets), ...graphFiles(manifest)])
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** One model a server, since a server treats all alike; hubs and the user's own files are nobody's to change. */
export async function diagnoseModels(models: readonly ModelSource[]): Promise<readonly Finding[]> {
  const byServer = new Map<string, URL>()
  for (const { manifest, manifestUrl } of models) {
    if (manifest.id.includes(':')) continue
    const [largest] = [...graphFiles(manifest)].sort((one, other) => other.bytes - one.bytes)
    const url = new URL(encodePath(largest?.path ?? ''), manifestUrl)
    if (!byServer.has(url.origin)) byServer.set(url.origin, url)
  }
  return (await Promise.all([...byServer.values()].map(diagnoseFile))).flat()
}

async function diagnoseFile(address: URL): Promise<readonly Finding[]> {
  const url = address.href
  const whole = await askHeaders(address)
  if (whole.is === 'silent') return [finding('model-unreachable', { url })]
  if (whole.is === 'blocked') return [finding('model-blocked', { url })]
  const missing = whyNoFile(whole)
  if (missing !== undefined) return [finding('model-missing', { url, found: missing })]
  const encoding = whole.headers.get('Content-Encoding')
  // One that is not compressed, though: browsers ask for parts so.
  const part = await askHeaders(address, { Range: 'bytes=0-0' })
  const hasRanges = part.is === 'answer' && part.status === 206
  const isStored = !/no-store/i.test(whole.headers.get('Cache-Control') ?? '')
  return [
    ...(encoding === null ? [] : [finding('model-encoded', { url, found: encoding })]),
    ...(hasRanges ? [] : [finding('model-no-ranges', { url })]),
    ...(isStored ? [] : [finding('model-not-cached', { url })]),
  ]
}

function graphFiles({ variants: [first] }: Manifest): readonly ManifestFile[] {
  return Object.values(first.graphs).flatMap(({ file, externalData = [] }) => [file, ...externalData])
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
