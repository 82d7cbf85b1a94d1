/** The door `edgeward/exporters`: shows what a client's requests did, in the console or in the performance timeline. */
export { logToConsole, type TableConsole } from './telemetry/exporters/log-to-console.js'
export { markPerformance, type MeasureDetail } from './telemetry/exporters/mark-performance.js'
export type { RequestSource } from './telemetry/exporters/request-source.js'
