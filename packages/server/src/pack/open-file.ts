/** Reads a file by ranges: models are larger than what anybody wants in memory. */
import { open } from 'node:fs/promises'

export interface OpenFile {
  readonly bytes: number
  /** From `start` to before `end`; fewer bytes where the file ends before. */
  read(this: void, start: number, end: number): Promise<Uint8Array<ArrayBuffer>>
  close(): Promise<void>
}

/** @throws the file system's errors */
export async function openFile(path: string): Promise<OpenFile> {
  const file = await open(path)
  return {
    bytes: (await file.stat()).size,
    async read(start, end) {
      const bytes = new Uint8Array(end - start)
      let filled = 0
      while (filled < bytes.length) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return bytes.subarray(0, filled)
    },
    close: () => file.close(),
  }
}
