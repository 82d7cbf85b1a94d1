/** The endpoint's options and its command line: wrong ones are refused with what would be right. */
import { describe, expect, it } from 'vitest'
import { readServeArguments, serveUsage } from '../../../packages/server/src/serve/arguments.js'
import { defaultServerOptions, resolveServerOptions } from '../../../packages/server/src/serve/options.js'

const modelsFolder = 'models'

describe('server options', () => {
  it('are the defaults where nothing is said', () => {
    expect(resolveServerOptions({ modelsFolder })).toEqual({
      ...defaultServerOptions,
      modelsFolder,
      logStream: process.stderr,
    })
  })

  it.each<[Record<string, unknown>, string]>([
    [{ maxBodyByte: 1 }, '"maxBodyByte" is no option; there are modelsFolder'],
    [{ modelsFolder: '' }, 'modelsFolder is empty'],
    [{ maxBodyBytes: 0 }, 'maxBodyBytes is 0, should be a whole number from 1'],
    [{ maxConcurrentRuns: 1.5 }, 'maxConcurrentRuns is 1.5'],
    [{ requestTimeLimitMs: 2 ** 31 }, 'requestTimeLimitMs is 2147483648'],
    [{ keys: ['two words'] }, 'a key is empty or has characters'],
    [{ keys: [''] }, 'a key is empty'],
    [{ corsOrigins: ['https://example.org/'] }, '"https://example.org/" should be "*" or scheme, host and port'],
    [{ corsOrigins: ['example.org'] }, '"example.org"'],
  ])('%o is refused', (wrong, message) => {
    expect(() => resolveServerOptions({ modelsFolder, ...wrong })).toThrow(message)
    expect(() => resolveServerOptions({ modelsFolder, ...wrong })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })
})

describe('command line', () => {
  it('says the same as the options do', () => {
    const argv = [
      ...['--models', 'm', '--host', '::1', '--port', '9000', '--key', 'k1', '--key', 'k2'],
      ...['--cors-origin', 'https://a.example', '--max-body-bytes', '10', '--max-queued-requests', '0'],
      ...['--max-concurrent-runs', '3', '--threads-per-run', '2', '--request-time-limit-ms', '5'],
      ...['--shutdown-time-limit-ms', '6', '--log-format', 'json', '--log-level', 'warn'],
    ]
    expect(readServeArguments(argv, { EDGEWARD_KEYS: 'k3,k4' })).toEqual({
      host: '::1',
      port: 9000,
      server: {
        modelsFolder: 'm',
        keys: ['k1', 'k2', 'k3', 'k4'],
        corsOrigins: ['https://a.example'],
        maxBodyBytes: 10,
        maxQueuedRequests: 0,
        maxConcurrentRuns: 3,
        threadsPerRun: 2,
        requestTimeLimitMs: 5,
        shutdownTimeLimitMs: 6,
        logFormat: 'json',
        logLevel: 'warn',
      },
    })
  })

  it('needs no more than the models folder', () => {
    expect(readServeArguments(['--models', 'm'], {})).toEqual({
      host: '127.0.0.1',
      port: 8787,
      server: { modelsFolder: 'm', keys: [] },
    })
  })

  it.each<[string[], string]>([
    [[], '--models <folder> is missing'],
    [['--model', 'm'], "'--model'"],
    [['--models', 'm', 'extra'], "'extra'"],
    [['--models', 'm', '--port', 'http'], '--port is "http", should be a whole number'],
    [['--models', 'm', '--port', '70000'], '--port is 70000, should be at most 65535'],
    [['--models', 'm', '--log-format', 'xml'], '--log-format is "xml", should be one of text, json'],
  ])('%o is refused', (argv, message) => {
    expect(() => readServeArguments(argv, {})).toThrow(message)
  })

  it('has every option in its help, with the default that holds', () => {
    expect(readServeArguments(['--help'], {})).toBeUndefined()
    for (const value of Object.values(defaultServerOptions)) {
      if (typeof value === 'number') expect(serveUsage).toContain(String(value))
    }
  })
})
