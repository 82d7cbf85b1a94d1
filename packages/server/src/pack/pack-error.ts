/** The error of the packing tool: a plain message for the person at the command line. */

/** Why a model could not be packed. The message says what was wrong, what would be right, and where. */
export class PackError extends Error {
  override readonly name = 'PackError'
}

/** What any thrown value says. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
