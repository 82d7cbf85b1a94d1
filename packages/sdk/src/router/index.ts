/** The door of the router room. */
export { dispatch, prepareFirst, type Engines } from './dispatch.js'
export { certainBackend, plan, type PlanInput } from './plan.js'
