/** Starts the page: reads the endpoint's address, then lets the tools and the panel work together. */
import { announce } from './announce.js'
import { Answering, type DemoTask, type Mode } from './answering.js'
import { BreakablePage } from './break/breakable-page.js'
import { BreakTool } from './break/break-tool.js'
import { ChatTool } from './chat/chat-tool.js'
import { readConfig } from './config.js'
import { byId } from './dom.js'
import { explainError } from './explain-error.js'
import { PictureTool } from './picture/picture-tool.js'
import { RecordPanel } from './record/record-panel.js'
import { SearchTool } from './search/search-tool.js'
import { listenToWishes } from './wishes.js'

const config = await readConfig()
const { endpoint } = config
const answering = new Answering(endpoint)
const record = new RecordPanel(answering)
const search = new SearchTool(answering, record)
const picture = new PictureTool(answering, record)
const breakable = new BreakablePage(answering, config)
const chat = new ChatTool(answering, record, breakable)

const tools = {
  search: 'feature-extraction',
  picture: 'image-to-text',
  chat: 'text-generation',
  break: 'feature-extraction',
} as const satisfies Record<string, DemoTask>
type ToolName = keyof typeof tools
const names = ['search', 'picture', 'chat', 'break'] as const satisfies readonly ToolName[]

listenToModes()
listenToWishes(answering, config, { onPlanChange: showPlan, onChoice: askAgain })
const breaking = new BreakTool(answering, config, record, breakable)
listenToForget()
listenToPastedPictures()
addEventListener('hashchange', showTool)
showTool()

/** The tool that the address names; the first one when it names none. */
function currentTool(): ToolName {
  return names.find((name) => location.hash === `#${name}`) ?? 'search'
}

function showTool(): void {
  const current = currentTool()
  for (const name of names) {
    byId(name, HTMLElement).hidden = name !== current
    const link = byId(`to-${name}`, HTMLAnchorElement)
    if (name === current) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  if (current === 'break') void breaking.open()
  else breaking.close()
  showPlan()
}

function showPlan(): void {
  void record.showPlan(tools[currentTool()])
}

/** What was asked before, in the mode and with the wishes of now. */
function askAgain(): void {
  showPlan()
  switch (currentTool()) {
    case 'search':
      return void search.goOn()
    case 'picture':
      return void picture.read()
    case 'chat': // The next answer is written as was chosen.
      chat.clearNotice()
      return
    case 'break': // What is asked next is asked as was chosen.
      return void breaking.open()
  }
}

/** The next request is as on a first visit. */
function listenToForget(): void {
  const button = byId('forget', HTMLButtonElement)
  button.addEventListener('click', () => {
    button.disabled = true
    void answering
      .forget(tools[currentTool()])
      .then(
        () => announce('The model is not on this device any more.'),
        (error: unknown) => announce(explainError(error).sentence),
      )
      .finally(() => {
        button.disabled = false
        showPlan()
      })
  })
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
    byId('wish-prefer', HTMLSelectElement).disabled = answering.mode !== 'automatic'
    askAgain()
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
