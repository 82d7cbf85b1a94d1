/** Fetches from any kind of source: a new kind is one new file and one line here. */
import type { FetchContext } from './fetch-context.js'
import { fetchFromFile } from './file.js'
import { fetchFromHf } from './hf.js'
import { fetchFromNpm } from './npm.js'
import type { Source } from './parse-source.js'
import { fetchFromPypi } from './pypi.js'

export function fetchSource(source: Source, target: string, context: FetchContext): Promise<void> {
  switch (source.kind) {
    case 'npm':
      return fetchFromNpm(source, target, context)
    case 'pypi':
      return fetchFromPypi(source, target, context)
    case 'hf':
      return fetchFromHf(source, target, context)
    case 'file':
      return fetchFromFile(source, target, context)
  }
}
