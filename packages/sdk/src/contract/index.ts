/** The door of the contract room: types only. */
export type * from './capabilities.js'
export type * from './engine.js'
export type * from './event.js'
export type * from './manifest.js'
export type * from './plan.js'
export type * from './policy.js'
export type * from './task.js'
export type * from './tensor.js'
