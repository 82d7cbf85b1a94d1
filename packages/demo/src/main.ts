/** Starts the page: reads the endpoint's address, then lets the two tools and the panel work together. */
import { Answering, type DemoTask, type Mode } from './answering.js'
import { readConfig } from './config.js'
import { byId } from './dom.js'
import { PictureTool } from './picture/picture-tool.js'
import { RecordPanel } from './record/record-panel.js'
import { SearchTool } from './search/search-tool.js'

const { endpoint } = await readConfig()
const answering = new Answering(endpoint)
const record = new RecordPanel(answering)
const search = new SearchTool(answering, record)
const picture = new PictureTool(answering, record)

const tools = { search: 'feature-extraction', picture: 'image-to-text' } as const satisfies Record<string, DemoTask>
type ToolName = keyof typeof tools

listenToModes()
listenToPastedPictures()
addEventListener('hashchange', showTool)
showTool()

/** The tool that the address names; the first one when it names none. */
function currentTool(): ToolName {
  return location.hash === '#picture' ? 'picture' : 'search'
}

function showTool(): void {
  const current = currentTool()
  for (const name of Object.keys(tools)) {
    byId(name, HTMLElement).hidden = name !== current
    const link = byId(`to-${name}`, HTMLAnchorElement)
    if (name === current) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  void record.showPlan(tools[current])
}

function listenToModes(): void {
  const group = byId('modes', HTMLFieldSetElement)
  const remote = byId('mode-remote', HTMLInputElement)
  remote.disabled = endpoint === null
  byId('no-endpoint', HTMLElement).hidden = endpoint !== null
  group.addEventListener('change', () => {
    const chosen = group.querySelector<HTMLInputElement>('input:checked')
    // The radio buttons of index.html have the modes as their values.
    answering.mode = (chosen?.value ?? 'automatic') as Mode
    const current = currentTool()
    void record.showPlan(tools[current])
    void (current === 'search' ? search.goOn() : picture.read())
  })
}

/** A picture can be pasted anywhere on the page. */
function listenToPastedPictures(): void {
  document.addEventListener('paste', ({ clipboardData }) => {
    const file = [...(clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'))
    if (file === undefined) return
    location.hash = '#picture'
    void picture.open(file)
  })
}
