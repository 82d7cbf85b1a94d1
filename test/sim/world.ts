/**
 * The world that the simulator plays: devices, networks, models, visits and the endpoint. Every number says where it is from;
 * "assumed" ones were written down before the first run and are not changed because of what a run gives.
 *
 * Sources: [P] `performance.md` and [M] `models.md` of this project's research, measured on a 2-core Xeon; [L] Lighthouse's and
 * WebPageTest's network presets (3G: 1.6 Mbit/s, 300 ms; slow 4G: 1.6 Mbit/s, 150 ms; 4G: 9 Mbit/s, 170 ms); [S] StatCounter
 * and HTTP Archive: about three visits of five are by phone; [D] the `Save-Data` and Network Information documents: their
 * values are rounded, and Chromium's only; [A] assumed.
 */

/** Drawn log-normally: half of all draws are below `median`, and `spread` is the standard deviation of the logarithm. */
export interface Spread {
  readonly median: number
  readonly spread: number
}

export interface DeviceProfile {
  readonly name: string
  /** Of the visits. They sum to 1. [S] for phones against others, [A] within. */
  readonly share: number
  readonly cores: number
  /** What `navigator.deviceMemory` says: 8 at most; Safari and Firefox say nothing. */
  readonly deviceMemoryGiB: number
  /** One thread of WASM SIMD in matrix multiplications, floating-point operations a second. [P] for the office PC, [A]. */
  readonly wasmFlops: Spread
  /** Absent: no adapter. Far below data sheets: small matrices, and no tensor cores in WebGPU. [A] */
  readonly webgpuFlops?: Spread
  /** Dispatches and reading back, whatever the input. [P]: 24 to 36 µs a dispatch, some 150 dispatches, and a readback. */
  readonly webgpuFixedMs?: number
  readonly bytesPerSecond: Spread
  readonly roundTripMs: Spread
  /** Share of the time that there is no network. [A] */
  readonly offlineShare: number
  /** How much slower it becomes when it computes without a pause. [A] */
  readonly throttled: number
  readonly saveData?: true
  /** Level of a battery that is not being charged. */
  readonly batteryLevel?: number
}

const mbit = 125_000

export const profiles: readonly DeviceProfile[] = [
  {
    name: 'fast desktop with a GPU',
    share: 0.1,
    cores: 16,
    deviceMemoryGiB: 8,
    wasmFlops: { median: 24e9, spread: 0.2 },
    webgpuFlops: { median: 1e12, spread: 0.5 },
    webgpuFixedMs: 8,
    bytesPerSecond: { median: 100 * mbit, spread: 0.6 },
    roundTripMs: { median: 20, spread: 0.4 },
    offlineShare: 0.001,
    throttled: 1,
  },
  {
    name: 'laptop',
    share: 0.2,
    cores: 8,
    deviceMemoryGiB: 8,
    wasmFlops: { median: 15e9, spread: 0.3 },
    webgpuFlops: { median: 250e9, spread: 0.5 },
    webgpuFixedMs: 12,
    bytesPerSecond: { median: 50 * mbit, spread: 0.6 },
    roundTripMs: { median: 30, spread: 0.5 },
    offlineShare: 0.002,
    throttled: 1.3,
  },
  {
    name: 'office PC without a GPU',
    share: 0.12,
    cores: 4,
    deviceMemoryGiB: 4,
    wasmFlops: { median: 9e9, spread: 0.3 },
    bytesPerSecond: { median: 30 * mbit, spread: 0.6 },
    roundTripMs: { median: 25, spread: 0.4 },
    offlineShare: 0.001,
    throttled: 1,
  },
  {
    name: 'recent phone',
    share: 0.18,
    cores: 8,
    deviceMemoryGiB: 8,
    wasmFlops: { median: 12e9, spread: 0.3 },
    webgpuFlops: { median: 150e9, spread: 0.5 },
    webgpuFixedMs: 15,
    bytesPerSecond: { median: 25 * mbit, spread: 0.7 },
    roundTripMs: { median: 60, spread: 0.5 },
    offlineShare: 0.01,
    throttled: 1.6,
  },
  {
    name: 'mid phone',
    share: 0.22,
    cores: 8,
    deviceMemoryGiB: 4,
    wasmFlops: { median: 5e9, spread: 0.3 },
    bytesPerSecond: { median: 9 * mbit, spread: 0.7 },
    roundTripMs: { median: 100, spread: 0.5 },
    offlineShare: 0.015,
    throttled: 1.8,
  },
  {
    name: 'old phone on 3G',
    share: 0.1,
    cores: 4,
    deviceMemoryGiB: 2,
    wasmFlops: { median: 2e9, spread: 0.3 },
    bytesPerSecond: { median: 1.6 * mbit, spread: 0.5 },
    roundTripMs: { median: 300, spread: 0.4 },
    offlineShare: 0.03,
    throttled: 1.8,
  },
  {
    name: 'phone that saves data',
    share: 0.05,
    cores: 8,
    deviceMemoryGiB: 4,
    wasmFlops: { median: 5e9, spread: 0.3 },
    bytesPerSecond: { median: 9 * mbit, spread: 0.7 },
    roundTripMs: { median: 100, spread: 0.5 },
    offlineShare: 0.015,
    throttled: 1.8,
    saveData: true,
  },
  {
    name: 'laptop with a low battery',
    share: 0.03,
    cores: 8,
    deviceMemoryGiB: 8,
    wasmFlops: { median: 12e9, spread: 0.3 },
    webgpuFlops: { median: 180e9, spread: 0.5 },
    webgpuFixedMs: 14,
    bytesPerSecond: { median: 50 * mbit, spread: 0.6 },
    roundTripMs: { median: 30, spread: 0.5 },
    offlineShare: 0.002,
    throttled: 1.5,
    batteryLevel: 0.12,
  },
]

export interface ModelProfile {
  readonly id: string
  /** Of the visits. [A] */
  readonly share: number
  readonly dtype: 'q8' | 'fp32'
  readonly bytes: number
  readonly parameters: number
  /** For one token: two for each weight that is multiplied; embeddings are looked up. */
  readonly operationsPerUnit: number
}

export const models: readonly ModelProfile[] = [
  // all-MiniLM-L6-v2, as in models/: 22.7 million weights, of which 10.6 million are multiplied [M].
  { id: 'minilm', share: 0.6, dtype: 'q8', bytes: 23e6, parameters: 22.7e6, operationsPerUnit: 21e6 },
  { id: 'minilm-fp32', share: 0.25, dtype: 'fp32', bytes: 90e6, parameters: 22.7e6, operationsPerUnit: 21e6 },
  // As large as multilingual encoders are: most of the weights are embeddings; 86 million are multiplied.
  { id: 'multilingual', share: 0.15, dtype: 'q8', bytes: 250e6, parameters: 250e6, operationsPerUnit: 172e6 },
]

export const visits = {
  /** Share of visits by somebody whose browser has the model from before. [A] */
  returning: 0.35,
  /** Geometric, at least one. [A] */
  meanRequests: 6,
  /** Seconds between two requests of a visit. [A] */
  gapSeconds: { median: 6, spread: 1 },
  /** Tokens of a request: a sentence or a paragraph. 256 is the model's limit [M]. */
  tokens: { median: 30, spread: 0.8, most: 256 },
  /** Of a returning visitor: what was measured on earlier visits. [A] */
  earlierRuns: 8,
} as const

export const device = {
  /** What a model reaches of what the benchmark's matrix multiplication does. [A]; [M]: MiniLM 19 to 72 ms on one thread. */
  efficiency: { median: 0.6, spread: 0.25 },
  /** From one run to the next, on top of everything else. [P]: "± 30 %" on a busy machine. */
  runNoise: 0.12,
  /** A run that meets something else (another tab, garbage collection), and by how much it is slower. [A] */
  disturbed: { share: 0.04, factor: { median: 2, spread: 0.4 } },
  /** Making a session: a fixed part and one for each byte, at 15 GFLOP/s; slower machines take longer. [P]: 0.5 to 1.1 s. */
  session: { fixedMs: 500, msPerMegabyte: 12, atFlops: 15e9, noise: 0.2 },
  /** More for a GPU: shaders are compiled. [A] */
  webgpuSessionMs: 700,
  /** Memory that a model takes, in its bytes [P: 2.5 to 4], and the share of the device's that a tab gets. [A] */
  memoryPerByte: 3,
  tabShareOfMemory: 0.25,
  /** Chance that a session cannot be made: where the memory is too small for it, and anywhere. [A] */
  sessionFails: { tooSmall: 0.5, anywhere: 0.002 },
  /** Chance that a run fails: a lost GPU, and anything else. [A] */
  runFails: { webgpu: 0.002, wasm: 0.0005 },
  /** Heat: busy time is forgotten with this half-life, and so much of it slows down fully. [A] */
  heat: { halfLifeMs: 30_000, fullMs: 10_000 },
} as const

export const network = {
  /** Round trips of the first request to a server (DNS, TCP, TLS), and of the others. */
  firstRoundTrips: 4,
  /** Bytes of a request and its answer, headers included. [A] */
  bytesPerRequest: 4_000,
  /** From one round trip to the next. [A] */
  noise: 0.15,
  /** A lost packet: what waiting for it adds, beside three round trips. TCP's least timeout is 200 ms. Its chance [A]. */
  loss: { share: 0.03, ms: 200 },
  /** How long a cut lasts. [A] */
  cutSeconds: { median: 5, spread: 0.7 },
  /** When a request in a cut is known to have failed. [A] */
  cutNoticedMs: 1_000,
} as const

export const endpoint = {
  /** At 40 requests a second, all of them remote, it is half busy. */
  workers: 2,
  /** One worker, floating-point operations a second. [M]: MiniLM 7 ms a sentence, natively. */
  flops: 60e9,
  fixedMs: 2,
  /** Requests that may wait for each worker; one more is refused with 503. [A] */
  queuePerWorker: 16,
  retryAfterMs: 1_000,
} as const

export const fleet = { requests: 10_000, visitsStartWithinMs: 250_000 } as const

/** Ten times what the endpoint can do, for two minutes, with a minute of half its capacity before and after. */
export const surge = { calmMs: 60_000, surgeMs: 120_000, calmLoad: 0.5, surgeLoad: 10 } as const
