/** The worker's script while things are broken: the SDK's own, after what breaks it. */
import './worker-prelude.js'
import 'edgeward/worker'
