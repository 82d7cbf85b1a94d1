/** A lint rule: a non-null assertion (`value!`) needs a comment on its line or the line above that says why it holds. */
// @ts-check

/** @type {import('eslint').Rule.RuleModule} */
export const explainedNonNull = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { unexplained: 'say in a comment, on this line or the one above, why this cannot be null or undefined' },
  },
  create(context) {
    /** @type {Set<number>} */
    const explained = new Set()
    for (const comment of context.sourceCode.getAllComments()) {
      if (comment.loc) explained.add(comment.loc.end.line).add(comment.loc.end.line + 1)
    }
    return {
      /** @param {any} node */
      TSNonNullExpression: (node) => {
        if (!explained.has(node.loc.end.line)) context.report({ node, messageId: 'unexplained' })
      },
    }
  },
}
