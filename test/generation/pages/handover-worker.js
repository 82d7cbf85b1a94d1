/** The SDK's worker as it is shipped, whose streams break where the page of the hand-over trials says. */
import './worker-faults.js'
import '/sdk/worker.js'
