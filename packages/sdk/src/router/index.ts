/** The door of the router room. */
export { dispatch, prepareFirst, type Engines } from './dispatch.js'
export { plan, type PlanInput } from './plan.js'
