/** How an endpoint is asked for an answer: from its beginning, or to go on where somebody else stopped. */

export type Way =
  /** A chat, from its beginning. */
  | { readonly by: 'chat' }
  /** A chat whose last message is the answer so far, without blanks at its end: chat templates cut them off. */
  | {
      readonly by: 'message'
      readonly text: string
      /** Asks for a new message, too: who knows what either means refuses. */
      readonly contradictsItself?: true
    }
  /** A prompt, with the answer so far. */
  | { readonly by: 'prompt'; readonly prompt: string | readonly number[] }
