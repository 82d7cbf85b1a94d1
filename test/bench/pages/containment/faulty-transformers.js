/** The same, in a page that the chaos tests' faults can happen to. */
import '/chaos/worker-faults.js'
import '/containment/more-faults.js'

// Imported when the faults are in place.
export const { createClient } = await import('/containment/transformers.js')
