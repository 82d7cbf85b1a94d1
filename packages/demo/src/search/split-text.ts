/** Cuts a text into passages to search, and a passage into sentences to highlight. */

/** About what a person takes in at a glance; the model reads up to 256 tokens, which is about twice as much. */
const maxCharacters = 600
/** Shorter paragraphs, such as headings, stand with the paragraph after them. */
const minCharacters = 60

/** Paragraphs, long ones cut between sentences, very short ones joined to the next. */
export function splitIntoPassages(text: string): readonly string[] {
  const paragraphs = text
    .replace(/\r\n?/g, '\n')
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph !== '')
  return joinShort(paragraphs).flatMap((paragraph) => pack(splitIntoSentences(paragraph)))
}

/** Sentences with their closing marks, as the platform's segmenter finds them. */
export function splitIntoSentences(passage: string): readonly string[] {
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'sentence' })
  return Array.from(segmenter.segment(passage), ({ segment }) => segment)
}

function joinShort(paragraphs: readonly string[]): readonly string[] {
  const joined: string[] = []
  let heading = ''
  for (const paragraph of paragraphs) {
    const whole = heading === '' ? paragraph : `${heading} ${paragraph}`
    if (whole.length < minCharacters) {
      heading = whole
      continue
    }
    joined.push(whole)
    heading = ''
  }
  return heading === '' ? joined : [...joined, heading]
}

/** As many sentences together as fit. */
function pack(sentences: readonly string[]): readonly string[] {
  const passages: string[] = []
  for (const sentence of sentences) {
    const last = passages.at(-1)
    if (last !== undefined && last.length + sentence.length <= maxCharacters)
      passages[passages.length - 1] = last + sentence
    else passages.push(sentence)
  }
  return passages.map((passage) => passage.trim())
}
