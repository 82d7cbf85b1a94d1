/** Says in words how a model is coming along. */
import type { DownloadProgress } from 'edgeward'
import { formatBytes, formatRate, formatTimeLeft } from '../format.js'

export function describeProgress(progress: DownloadProgress): string {
  const { phase, loadedBytes, totalBytes, bytesPerSecond, remainingMs } = progress
  const all = formatBytes(totalBytes)
  switch (phase) {
    case 'manifest':
      return 'Asking what the model consists of'
    case 'verify':
      return `Checking ${formatBytes(loadedBytes)} of ${all} from this browser’s store`
    case 'download': {
      const rate = bytesPerSecond === undefined ? [] : [bytesPerSecond === 0 ? 'stalled' : formatRate(bytesPerSecond)]
      const left = remainingMs === undefined ? [] : [formatTimeLeft(remainingMs)]
      return [`Fetching ${formatBytes(loadedBytes)} of ${all}`, ...rate, ...left].join(', ')
    }
    case 'runtime':
      return `${all} here, starting the runtime`
    case 'session':
      return `${all} here, starting the model`
    case 'canary':
      return `${all} here, checking that the model computes rightly`
  }
}
