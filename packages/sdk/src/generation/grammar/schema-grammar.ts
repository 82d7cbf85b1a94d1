/**
 * Makes of a JSON schema the EBNF of texts that it allows: perhaps not of all of them, but of no others. The engine's own
 * converter passes over what it does not know, and lets wrong numbers, keys and control characters through.
 */
import { jsonRules, literal } from './json-rules.js'
import { areExclusive } from './schema-overlap.js'
import { cannot, checkKeywords, type Schema } from './schema-refusals.js'
import { countOf, isSchema, listOf, literals, numberOf, stringOf, times, typesOf, type Type } from './schema-values.js'

/** @throws EdgewardError INVALID_OPTION for a schema that is wrong, that nothing fulfils, or that says what is not heeded */
export function schemaGrammar(schema: unknown): string {
  return new SchemaGrammar(schema).text
}

/** JSON objects of any kind. */
export const objectGrammar = ['root ::= object', ...jsonRules].join('\n')

class SchemaGrammar {
  readonly #root: unknown
  readonly #rules: string[] = []
  /** The rule of each place that a `$ref` points to. */
  readonly #places = new Map<string, string>()

  constructor(schema: unknown) {
    this.#root = schema
    this.#rules.push(`root ::= ${this.#reference('#')}`)
  }

  get text(): string {
    return [...this.#rules, ...jsonRules].join('\n')
  }

  #rule(body: string): string {
    const name = `r${this.#rules.length}`
    this.#rules.push(`${name} ::= ${body}`)
    return name
  }

  /** The name of the rule of a place, which may be in the making. */
  #reference(pointer: string): string {
    const known = this.#places.get(pointer)
    if (known !== undefined) return known
    const name = `p${this.#places.size}`
    this.#places.set(pointer, name)
    this.#rules.push(`${name} ::= ${this.#value(this.#at(pointer), pointer)}`)
    return name
  }

  #at(pointer: string): unknown {
    if (pointer !== '#' && !pointer.startsWith('#/'))
      throw cannot(pointer, 'a $ref should point into the schema: "#/…"')
    const seen = new Set<string>()
    for (let place = pointer; ;) {
      const found = this.#find(place)
      const next = isSchema(found) ? found['$ref'] : undefined
      if (typeof next !== 'string') return found
      if (seen.has(next)) throw cannot(place, 'a $ref should not lead back to itself')
      seen.add(next)
      checkKeywords(found as Schema, place)
      place = next
    }
  }

  #find(pointer: string): unknown {
    return pointer
      .split('/')
      .slice(1)
      .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<unknown>((place, part) => {
        if (typeof place === 'object' && place !== null && Object.hasOwn(place, part)) return (place as Schema)[part]
        throw cannot(pointer, 'there is nothing that a $ref could point to')
      }, this.#root)
  }

  #value(schema: unknown, path: string): string {
    if (schema === true) return 'any'
    if (schema === false) throw cannot(path, 'the schema false allows nothing')
    if (!isSchema(schema)) throw cannot(path, 'there should be an object, true or false')
    checkKeywords(schema, path)
    const { $ref, anyOf, oneOf, allOf } = schema
    if ($ref !== undefined) return this.#reference(typeof $ref === 'string' ? $ref : '')
    if (anyOf !== undefined) return this.#either(listOf(anyOf, `${path}/anyOf`), `${path}/anyOf`)
    if (oneOf !== undefined) return this.#oneOf(listOf(oneOf, `${path}/oneOf`), `${path}/oneOf`)
    if (allOf !== undefined) return this.#only(listOf(allOf, `${path}/allOf`), `${path}/allOf`)
    if ('const' in schema || 'enum' in schema) return literals(schema, path)
    const ways = typesOf(schema, path).map((type) => this.#ofType(type, schema, path))
    return ways.length === 0 ? 'any' : `(${ways.join(' | ')})`
  }

  #either(options: readonly unknown[], path: string): string {
    const possible = options.flatMap((option, index) =>
      option === false ? [] : [this.#value(option, `${path}/${index}`)],
    )
    if (possible.length === 0) throw cannot(path, 'there should be a schema that allows something')
    return `(${possible.join(' | ')})`
  }

  #oneOf(options: readonly unknown[], path: string): string {
    const areApart = options.every((one, index) => options.slice(index + 1).every((other) => areExclusive(one, other)))
    if (areApart) return this.#either(options, path)
    throw cannot(path, 'schemas of oneOf should differ in their types or in a required constant: use anyOf')
  }

  #only(options: readonly unknown[], path: string): string {
    if (options.length === 1) return this.#value(options[0], `${path}/0`)
    throw cannot(path, '"allOf" of several schemas is not supported: write them as one')
  }

  #ofType(type: Type, schema: Schema, path: string): string {
    switch (type) {
      case 'object':
        return this.#object(schema, path)
      case 'array':
        return this.#array(schema, path)
      case 'string':
        return stringOf(schema, path)
      case 'boolean':
        return '("true" | "false")'
      case 'null':
        return '"null"'
      case 'integer':
      case 'number':
        return this.#rule(numberOf(type, schema, path))
    }
  }

  #object(schema: Schema, path: string): string {
    const { properties = {}, required = [], additionalProperties: others } = schema
    if (!isSchema(properties)) throw cannot(`${path}/properties`, 'there should be an object')
    const needed = listOf(required, `${path}/required`).map(String)
    const entries = new Map(Object.entries(properties))
    // Properties that are not described may come where they must; beside others that are, their names could be the same.
    for (const name of needed) if (!entries.has(name)) entries.set(name, others ?? true)
    const possible = [...entries].filter(([name, value]) => value !== false || needed.includes(name))
    if (entries.size === 0) return others === false ? '"{" ws "}"' : this.#map(others ?? true, path)
    const members = possible.map(([name, value]) => ({
      rule: `${literal(JSON.stringify(name))} ":" ws ${this.#value(value, `${path}/properties/${pointerPart(name)}`)}`,
      isNeeded: needed.includes(name),
    }))
    return `"{" ws ${this.#members(members)} "}"`
  }

  #map(others: unknown, path: string): string {
    if (others === true) return 'object'
    const member = this.#rule(`string ":" ws ${this.#value(others, `${path}/additionalProperties`)}`)
    return `("{" ws "}" | "{" ws ${member} ("," ws ${member})* ws "}")`
  }

  /** In their order, with commas between those that come. */
  #members(members: readonly { readonly rule: string; readonly isNeeded: boolean }[]): string {
    let [rest, first] = ['ws', '""']
    for (const { rule, isNeeded } of members.toReversed()) {
      const own = this.#rule(rule)
      first = this.#rule(`${own} ${rest}${isNeeded ? '' : ` | ${first}`}`)
      rest = this.#rule(`"," ws ${own} ${rest}${isNeeded ? '' : ` | ${rest}`}`)
    }
    return first
  }

  #array(schema: Schema, path: string): string {
    const { items = true, prefixItems = [] } = schema
    if (Array.isArray(items)) throw cannot(`${path}/items`, 'a list of schemas should be in prefixItems')
    const firsts = listOf(prefixItems, `${path}/prefixItems`)
    const min = countOf(schema, 'minItems', path) ?? 0
    const max = Math.min(countOf(schema, 'maxItems', path) ?? Infinity, items === false ? firsts.length : Infinity)
    if (min > max) throw cannot(path, 'minItems is more than there can be')
    const known = firsts
      .slice(0, max)
      .map((item, index) => this.#rule(this.#value(item, `${path}/prefixItems/${index}`)))
    const other = max > known.length ? this.#rule(this.#value(items, `${path}/items`)) : undefined
    let rest = other === undefined ? '""' : `("," ws ${other})${times(min - known.length, max - known.length)}`
    // From the last item that has a place of its own to the first.
    for (const [index, item] of [...known.entries()].toReversed()) {
      const own: string = index === 0 ? `${item} ${rest}` : `"," ws ${item} ${rest}`
      rest = index >= min ? `(${own} | "")` : own
      rest = this.#rule(rest)
    }
    if (known.length > 0) return `"[" ws ${rest} ws "]"`
    if (other === undefined) return '"[" ws "]"'
    const filled = `${other} ("," ws ${other})${times(min - 1, max - 1)}`
    return min === 0 ? `("[" ws "]" | "[" ws ${filled} ws "]")` : `"[" ws ${filled} ws "]"`
  }
}

function pointerPart(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
