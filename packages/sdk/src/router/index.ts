/** The door of the router room. */
export { dispatch, prepareFirst, type Engines } from './dispatch.js'
export { certainBackend, plan } from './plan.js'
export { placementName, type EndpointFacts, type EndpointLoad, type PlanInput } from './plan-input.js'
