/** Conditions: how the machine feels right now. Whatever the browser does not tell is absent. */

/** The states of the Compute Pressure API. */
export type Pressure = 'nominal' | 'fair' | 'serious' | 'critical'

export interface Conditions {
  /** Of the CPU. */
  readonly pressure?: Pressure
  /** `level` is 0 to 1. */
  readonly battery?: { readonly level: number; readonly charging: boolean }
  /** Whether nobody sees the page. */
  readonly hidden: boolean
  /** Whether the user asked the browser to save data. */
  readonly saveData: boolean
  readonly connection?: {
    /** `slow-2g`, `2g`, `3g` or `4g`, as the Network Information API has it. */
    readonly effectiveType?: string
    readonly bytesPerSecond?: number
    readonly roundTripMs?: number
  }
}
