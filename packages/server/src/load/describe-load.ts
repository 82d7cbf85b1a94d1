/** Puts a load report together from what the process and the model say. */
import type { Served } from '../models/served.js'
import type { LoadReport } from './load-report.js'
import type { ProcessLoad } from './process-load.js'

/** The load as a request for `model` meets it. */
export function describeLoad(load: ProcessLoad, { queue, runSeconds, expectedWaitSeconds }: Served): LoadReport {
  const { cpuUtilization, memUtilization, requestsPerSecond, errorsPerSecond } = load.read()
  return {
    cpu_utilization: cpuUtilization,
    mem_utilization: memUtilization,
    rps_fractional: requestsPerSecond,
    eps: errorsPerSecond,
    application_utilization: queue.utilization,
    named_metrics: {
      queue_length: queue.length,
      requests_running: queue.running,
      run_seconds: runSeconds,
      expected_wait_seconds: expectedWaitSeconds,
    },
  }
}
