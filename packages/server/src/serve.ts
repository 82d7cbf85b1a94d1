/** The programmatic door of the reference endpoint. */
export { createServer } from './serve/create-server.js'
export { defaultServerOptions, type LogFormat, type LogLevel, type ServerOptions } from './serve/options.js'
