/** The rooms of `packages/sdk/src`: who may import whom, through which doors, and the packages that few may import. */
// @ts-check

const base = ['contract', 'shared', 'errors']

/**
 * What each room may import. A room is a folder of `packages/sdk/src`.
 *
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const lowerRooms = {
  errors: [],
  shared: ['errors'],
  contract: ['errors'],
  device: base,
  weights: base,
  remote: base,
  generation: base,
  formats: base,
  telemetry: base,
  transport: base,
  tasks: [...base, 'generation'],
  worker: [...base, 'transport', 'weights', 'tasks', 'generation', 'formats', 'device'],
  runtime: [...base, 'transport'],
  router: base,
}

/** `api` is the only room where the others meet, but what runs in the worker stays out of the page. */
const everythingButWorker = Object.keys(lowerRooms).filter((room) => room !== 'worker')

/** @type {Readonly<Record<string, readonly string[]>>} */
export const rooms = { ...lowerRooms, api: everythingButWorker }

/** Rooms that hold types only, and therefore import and export types only. */
export const typeOnlyRooms = ['contract']

/** The files of a room that other rooms may import. */
export const roomDoors = ['index.js', 'page.js', 'streams.js']

/**
 * Packages that are wrapped in one place. Paths are relative to `packages/sdk/src`; a path that ends in `/` stands for
 * all files below it.
 *
 * @type {Readonly<Record<string, { readonly values: readonly string[], readonly types: readonly string[] }>>}
 */
export const wrappedPackages = {
  'onnxruntime-web': { values: ['worker/ort-session.ts', 'worker/runtime-build.ts'], types: ['worker/'] },
  idb: { values: ['weights/weights-db.ts'], types: ['weights/weights-db.ts'] },
  comlink: { values: ['transport/'], types: ['transport/'] },
  '@opentelemetry': { values: ['telemetry/opentelemetry/'], types: ['telemetry/opentelemetry/'] },
}
