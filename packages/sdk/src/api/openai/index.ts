/** OpenAI's shape on the page: loaded when the first such request comes. */
export { createChatCompletion, createCompletion, createEmbeddings } from './create.js'
export { answerFetch } from './fetch.js'
