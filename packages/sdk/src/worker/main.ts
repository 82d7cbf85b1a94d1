/** The worker's entry: puts its methods on the wire. */
import { serve } from '../transport/index.js'
import { createWorkerApi } from './worker-api.js'

serve(createWorkerApi())
