/** The task `image-to-text`: the lines of text in a picture, by an OCR model of the PP-OCR family. */
import type { Graph, Manifest, TaskContext, TaskDefinition } from '../../contract/index.js'
import { findGraph, graphNamed, manifestInvalid, readText } from '../manifest-parts.js'
import { mapBox } from './box.js'
import { decodePicture, toDisplayed } from './decode.js'
import { graphNames } from './graph-names.js'
import { readPage, type OcrModel } from './read-page.js'

/** Graphs `detection`, `recognition` and, optionally, `classification`; the asset `characters`. */
export const imageToText: TaskDefinition<'image-to-text'> = {
  name: 'image-to-text',
  async load(context) {
    const model = await loadOcrModel(context)
    return {
      async run(input, _options, request) {
        const picture = await decodePicture(input, request.signal)
        const found = await readPage(picture.image, model, request)
        const lines = found.map((line) => ({ ...line, box: mapBox(line.box, toDisplayed(picture)) }))
        const text = lines.map((line) => line.text).join('\n')
        return { text, lines, width: picture.width, height: picture.height }
      },
    }
  },
}

/**
 * Reads what the model's requests share.
 *
 * @throws EdgewardError `MANIFEST_INVALID` when a graph is missing, or the characters are not the recognition's classes.
 */
export async function loadOcrModel(context: Pick<TaskContext, 'manifest' | 'asset'>): Promise<OcrModel> {
  const { manifest } = context
  const names = (name: string, graph: Graph) => graphNames(manifest, name, graph)
  const classification = findGraph(manifest, 'classification')
  const recognition = graphNamed(manifest, 'recognition')
  const characters = readCharacters(await readText(context, 'characters'))
  checkClasses(manifest, recognition, characters.length)
  return {
    detection: names('detection', graphNamed(manifest, 'detection')),
    classification: classification && names('classification', classification),
    recognition: names('recognition', recognition),
    characters,
  }
}

/** The classes: the blank, one a line of the file, and the space, which PaddleOCR adds (`use_space_char`). */
function readCharacters(file: string): string[] {
  // Not trimmed: one of the characters is an ideographic space.
  return ['', ...file.replace(/\r?\n$/, '').split(/\r?\n/), ' ']
}

function checkClasses(manifest: Manifest, recognition: Graph, characters: number): void {
  const classes = recognition.outputs[0]?.shape.at(-1)
  if (typeof classes !== 'number' || classes === characters) return
  const problem = `has ${characters - 2} characters, but its recognition tells ${classes} classes (blank and space included)`
  throw manifestInvalid(manifest, problem)
}
