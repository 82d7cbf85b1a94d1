/** One visit: how long the side that the address names takes to its first token. */
import { measureLoad } from './generation.js'

let result
try {
  result = await measureLoad(location.search.slice(1))
} catch (error) {
  result = { error: String(error.stack ?? error) }
}
await fetch('/result', { method: 'POST', body: JSON.stringify(result) })
