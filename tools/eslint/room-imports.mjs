/** A lint rule: a room of the SDK imports only what the table in `rooms.mjs` allows, and only through doors. */
// @ts-check
import path from 'node:path'
import { roomDoors, rooms, typeOnlyRooms, wrappedPackages } from './rooms.mjs'

const table = 'see the table in tools/eslint/rooms.mjs'

/** @param {readonly string[]} names */
const listOf = (names) => (names.length === 0 ? 'nothing' : names.join(', '))

/**
 * Why a file of the SDK may not import something, or undefined when it may.
 *
 * @param {string} file the importing file, relative to `packages/sdk/src`
 * @param {string} specifier what it imports, as written
 * @param {boolean} typeOnly whether only types are imported
 * @returns {string | undefined}
 */
export function whyForbidden(file, specifier, typeOnly) {
  if (!specifier.startsWith('.')) return whyPackageForbidden(file, specifier, typeOnly)
  const target = path.posix.join(path.posix.dirname(file), specifier)
  if (target.startsWith('..')) return `the SDK imports nothing outside packages/sdk/src, but this is ${target}`
  const from = roomOf(file)
  const to = roomOf(target)
  return from === undefined ? whyDoorForbidden(to) : whyRoomForbidden(from, to, target, typeOnly)
}

/** @type {import('eslint').Rule.RuleModule} */
export const roomImports = {
  meta: { type: 'problem', schema: [], messages: { forbidden: '{{reason}}' } },
  create(context) {
    const file = fileInSdk(context.filename)
    if (file === undefined) return {}
    /**
     * @param {import('eslint').Rule.Node} node
     * @param {unknown} specifier
     * @param {boolean} typeOnly
     */
    const check = (node, specifier, typeOnly) => {
      const reason = typeof specifier === 'string' ? whyForbidden(file, specifier, typeOnly) : undefined
      if (reason !== undefined) context.report({ node, messageId: 'forbidden', data: { reason } })
    }
    /** @param {any} node an import or export declaration, as typescript-eslint parses it */
    const checkDeclaration = (node) =>
      check(node, node.source?.value, node.importKind === 'type' || node.exportKind === 'type')
    return {
      ImportDeclaration: checkDeclaration,
      ExportNamedDeclaration: checkDeclaration,
      ExportAllDeclaration: checkDeclaration,
      /** @param {any} node */
      ImportExpression: (node) => check(node, node.source.value, false),
      /** @param {any} node a type such as `import('x').Y` */
      TSImportType: (node) => check(node, node.source.value, true),
    }
  },
}

/** @param {string} filename */
function fileInSdk(filename) {
  const marker = '/packages/sdk/src/'
  const normalised = filename.replaceAll('\\', '/')
  const at = normalised.lastIndexOf(marker)
  return at === -1 ? undefined : normalised.slice(at + marker.length)
}

/** @param {string} file relative to `packages/sdk/src`; undefined for the doors at its top */
function roomOf(file) {
  const slash = file.indexOf('/')
  return slash === -1 ? undefined : file.slice(0, slash)
}

/** @param {string | undefined} to */
function whyDoorForbidden(to) {
  return to === 'worker'
    ? 'worker/main.ts is an entry of its own: what runs in the worker stays out of the page'
    : undefined
}

/**
 * @param {string} from
 * @param {string | undefined} to
 * @param {string} target
 * @param {boolean} typeOnly
 */
function whyRoomForbidden(from, to, target, typeOnly) {
  const allowed = rooms[from]
  if (allowed === undefined) return `${from} is no room of the table: add it, with what it may import (${table})`
  if (typeOnlyRooms.includes(from) && !typeOnly) return `${from} holds types only: write "import type"`
  if (to === from) return undefined
  if (to === undefined) return `rooms are behind the doors of the package: ${from} may not import ${target}`
  if (!allowed.includes(to)) return `${from} may import ${listOf(allowed)}; not ${to} (${table})`
  const inside = target.slice(to.length + 1)
  if (roomDoors.includes(inside)) return undefined
  return `${to} is entered through its door, ${to}/${roomDoors[0]}; not through ${target}`
}

/**
 * @param {string} file
 * @param {string} specifier
 * @param {boolean} typeOnly
 */
function whyPackageForbidden(file, specifier, typeOnly) {
  const name = Object.keys(wrappedPackages).find((name) => specifier === name || specifier.startsWith(`${name}/`))
  const wrapped = name === undefined ? undefined : wrappedPackages[name]
  if (wrapped === undefined) return undefined
  const importers = typeOnly ? [...wrapped.values, ...wrapped.types] : wrapped.values
  if (importers.some((allowed) => (allowed.endsWith('/') ? file.startsWith(allowed) : file === allowed)))
    return undefined
  return `only ${importers.join(' and ')} may import ${typeOnly ? 'types of ' : ''}${name}; not ${file} (${table})`
}
