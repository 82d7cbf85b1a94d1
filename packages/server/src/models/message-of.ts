/** What any thrown value says: ONNX Runtime also throws bare numbers and strings. */

export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
