/** The command line of the endpoint. */
import { parseArgs } from 'node:util'
import { EdgewardError } from 'edgeward'
import { messageOf } from '../models/message-of.js'
import { defaultServerOptions, type LogFormat, type LogLevel, type ServerOptions } from './options.js'

export interface ServeArguments {
  readonly host: string
  readonly port: number
  readonly server: ServerOptions
}

/** The environment variable that holds bearer keys, separated by commas: a command line can be seen by others. */
export const keysVariable = 'EDGEWARD_KEYS'

const logFormats: readonly LogFormat[] = ['text', 'json']
const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent']

/** What `--help` prints. */
export const serveUsage = `edgeward serve --models <folder> [options]

  --models <folder>            the models, as the packing tool writes them
  --host <address>             where to listen (127.0.0.1; 0.0.0.0 for every interface)
  --port <number>              the first port to try (8787; 0 for any)
  --key <key>                  a bearer key that opens the endpoint; repeatable; or ${keysVariable}=<key>,<key>
  --cors-origin <origin>       an origin whose pages may ask (*); repeatable
  --max-body-bytes <n>         the longest request (${defaultServerOptions.maxBodyBytes})
  --max-queued-requests <n>    how many may wait for each model (${defaultServerOptions.maxQueuedRequests})
  --max-concurrent-runs <n>    how many runs of each model at a time (${defaultServerOptions.maxConcurrentRuns})
  --max-concurrent-streams <n> how many texts of each language model at a time (${defaultServerOptions.maxConcurrentStreams})
  --threads-per-run <n>        threads inside a run (${defaultServerOptions.threadsPerRun}: as ONNX Runtime decides)
  --request-time-limit-ms <n>  how long a request may take (${defaultServerOptions.requestTimeLimitMs})
  --run-time-limit-ms <n>      how long a run may take until it counts as hung (${defaultServerOptions.runTimeLimitMs})
  --max-connections <n>        how many connections may be open (${defaultServerOptions.maxConnections})
  --head-time-limit-ms <n>     how long a request's head may take to arrive (${defaultServerOptions.headTimeLimitMs})
  --arrival-time-limit-ms <n>  how long a whole request may take to arrive (${defaultServerOptions.arrivalTimeLimitMs})
  --keep-alive-time-limit-ms <n>  how long a connection may wait for its next request (${defaultServerOptions.keepAliveTimeLimitMs})
  --shutdown-grace-ms <n>      how long requests are still taken once stopped (${defaultServerOptions.shutdownGraceMs})
  --shutdown-time-limit-ms <n> how long to finish what is running (${defaultServerOptions.shutdownTimeLimitMs})
  --log-format <format>        ${logFormats.join(' or ')} (${defaultServerOptions.logFormat})
  --log-level <level>          ${logLevels.join(', ')} (${defaultServerOptions.logLevel})
  --help                       this text
`

/**
 * Reads the command line; undefined when it asks for help.
 *
 * @throws {EdgewardError} `INVALID_OPTION`
 */
export function readServeArguments(argv: readonly string[], env: NodeJS.ProcessEnv): ServeArguments | undefined {
  const values = parse(argv)
  if (values.help) return undefined
  if (values.models === undefined) throw invalid('--models <folder> is missing')
  const fromEnvironment = (env[keysVariable] ?? '').split(',').filter((key) => key !== '')
  const server: ServerOptions = {
    modelsFolder: values.models,
    keys: [...(values.key ?? []), ...fromEnvironment],
    ...(values['cors-origin'] ? { corsOrigins: values['cors-origin'] } : {}),
    ...readNumbers(values),
    ...readChoice('log-format', 'logFormat', values, logFormats),
    ...readChoice('log-level', 'logLevel', values, logLevels),
  }
  return { host: values.host ?? '127.0.0.1', port: readPort(values), server }
}

const numberFlags = {
  'max-body-bytes': 'maxBodyBytes',
  'max-queued-requests': 'maxQueuedRequests',
  'max-concurrent-runs': 'maxConcurrentRuns',
  'max-concurrent-streams': 'maxConcurrentStreams',
  'threads-per-run': 'threadsPerRun',
  'request-time-limit-ms': 'requestTimeLimitMs',
  'run-time-limit-ms': 'runTimeLimitMs',
  'max-connections': 'maxConnections',
  'head-time-limit-ms': 'headTimeLimitMs',
  'arrival-time-limit-ms': 'arrivalTimeLimitMs',
  'keep-alive-time-limit-ms': 'keepAliveTimeLimitMs',
  'shutdown-grace-ms': 'shutdownGraceMs',
  'shutdown-time-limit-ms': 'shutdownTimeLimitMs',
} as const satisfies Record<string, keyof ServerOptions>

const text = { type: 'string' } as const
const texts = { type: 'string', multiple: true } as const
const numberOptions = Object.fromEntries(Object.keys(numberFlags).map((flag) => [flag, text]))

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        models: text,
        host: text,
        port: text,
        key: texts,
        'cors-origin': texts,
        ...numberOptions,
        'log-format': text,
        'log-level': text,
        help: { type: 'boolean' },
      },
    }).values
  } catch (cause) {
    throw invalid(messageOf(cause))
  }
}

type Values = Readonly<Record<string, string | string[] | boolean | undefined>>

function readNumbers(values: Values): Partial<Record<(typeof numberFlags)[keyof typeof numberFlags], number>> {
  const given = Object.entries(numberFlags).flatMap(([flag, option]) => {
    const number = readNumber(flag, values)
    return number === undefined ? [] : [[option, number] as const]
  })
  return Object.fromEntries(given)
}

function readNumber(flag: string, values: Values): number | undefined {
  const value = values[flag]
  if (value === undefined) return undefined
  if (typeof value === 'string' && /^\d+$/.test(value)) return Number(value)
  throw invalid(`--${flag} is "${value.toString()}", should be a whole number`)
}

function readPort(values: Values): number {
  const port = readNumber('port', values) ?? 8787
  if (port <= 65_535) return port
  throw invalid(`--port is ${port}, should be at most 65535`)
}

/** The chosen value under its option's name; nothing when the flag was not given. */
function readChoice<K extends string, T extends string>(
  flag: string,
  option: K,
  values: Values,
  choices: readonly T[],
): Partial<Record<K, T>> {
  const value = values[flag]
  if (value === undefined) return {}
  const choice = choices.find((candidate) => candidate === value)
  if (choice === undefined) throw invalid(`--${flag} is "${value.toString()}", should be one of ${choices.join(', ')}`)
  // The compiler does not narrow a computed key.
  return { [option]: choice } as Record<K, T>
}

function invalid(message: string): EdgewardError {
  return new EdgewardError('INVALID_OPTION', `${message}; edgeward serve --help lists the options`)
}
