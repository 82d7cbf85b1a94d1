/**
 * Small notes of this origin that must be written at once and outlive the page: `localStorage`, whose writes are done when they
 * return, also in `pagehide`. A page that may not use it keeps its notes in memory.
 */
import { orNothing } from './condition-source.js'

export interface PageStore {
  /** What was written there, as JSON gives it back; undefined when nothing was, or it cannot be read. */
  read(key: string): unknown
  /** @param value - what JSON can hold; undefined: the note is taken away */
  write(key: string, value: unknown): void
  /** The keys that begin so. */
  keys(prefix: string): readonly string[]
}

/** @param storage - the page's own, when absent */
export function createPageStore(storage = orNothing(() => globalThis.localStorage)): PageStore {
  const memory = new Map<string, string>()
  return {
    read(key) {
      // What is in memory is newer: storage would not take it.
      const text = memory.get(key) ?? orNothing(() => storage?.getItem(key)) ?? undefined
      return text === undefined ? undefined : orNothing(() => JSON.parse(text) as unknown)
    },
    write(key, value) {
      if (value === undefined) {
        memory.delete(key)
        orNothing(() => storage?.removeItem(key))
        return
      }
      const text = JSON.stringify(value)
      // Full or forbidden: this page goes on with its memory.
      if (orNothing(() => (storage?.setItem(key, text), storage !== undefined)) === true) memory.delete(key)
      else memory.set(key, text)
    },
    keys(prefix) {
      const stored = orNothing(() => Object.keys(storage ?? {})) ?? []
      return [...new Set([...stored, ...memory.keys()])].filter((key) => key.startsWith(prefix))
    },
  }
}
