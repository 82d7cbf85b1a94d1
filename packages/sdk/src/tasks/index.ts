/** The worker's door of the tasks room; the page's is `page.ts`. */
export { registry, taskNamed } from './registry.js'
