/** What a model's raw text is made of: the answer, what it thought, and the tools that it calls. */
export type Piece =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string }
  /** A call begins; its arguments follow. */
  | { readonly type: 'call'; readonly name: string }
  | { readonly type: 'arguments'; readonly text: string }
  | { readonly type: 'call-end' }

/** Reads a text that comes bit by bit. */
export interface PieceReader {
  push(text: string): readonly Piece[]
  /** The text is over: what was held back. */
  end(): readonly Piece[]
}
