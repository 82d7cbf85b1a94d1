/** The door `edgeward/opentelemetry`: sends what a client's requests did to an OpenTelemetry collector. */
export { exportToCollector } from './telemetry/opentelemetry/collector.js'
export { collectorDefaults, type CollectorOptions } from './telemetry/opentelemetry/options.js'
export type { RequestSource } from './telemetry/exporters/request-source.js'
