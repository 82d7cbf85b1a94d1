/** How much of the machine this process may use: containers get less than all of it. */
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'

/** Where Linux tells a container its share of processor time (cgroup v2). */
const cpuQuotaFile = '/sys/fs/cgroup/cpu.max'

/** Processors; a fraction where a container's quota is one. */
export function availableCpus(): number {
  // Other systems, and Linux without such limits, have no such file.
  const quota = existsSync(cpuQuotaFile) ? parseCpuQuota(readFileSync(cpuQuotaFile, 'utf8')) : Infinity
  return Math.min(availableParallelism(), quota)
}

/** Bytes of memory, no more than a container's limit. */
export function availableMemoryBytes(): number {
  // 0 or larger than the machine's memory where there is no limit.
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}

/** Processors that `<microseconds> <period>` allows; no limit for `max <period>` and whatever else. */
export function parseCpuQuota(text: string): number {
  const [, quota, period] = /^(\d+) (\d+)\s*$/.exec(text) ?? []
  const cpus = Number(quota) / Number(period)
  return cpus > 0 ? cpus : Infinity
}
