/** The controls "Try it": how fast the connection is, how soon an answer must be there, what is preferred. */
import type { Preference } from 'edgeward'
import type { Answering } from './answering.js'
import { limitConnection, type Config } from './config.js'
import { byId } from './dom.js'
import { formatMs, formatRate } from './format.js'

/** In bytes a second; null: as fast as it goes. */
const rates = [50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, null] as const
const slowRate = 100_000
/** In milliseconds. */
const deadlines = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, Infinity] as const

export interface WishListeners {
  /** A slider is moving: the plan may be another one. */
  readonly onPlanChange: () => void
  /** Something was chosen: what was asked may be answered elsewhere. */
  readonly onChoice: () => void
}

export function listenToWishes(answering: Answering, { connection }: Config, listeners: WishListeners): void {
  const wish = (change: Partial<Answering['wishes']>) => {
    answering.wishes = { ...answering.wishes, ...change }
    listeners.onPlanChange()
  }
  const slider = byId('wish-deadline', HTMLInputElement)
  slideOver(slider, deadlines, Infinity, {
    describe: (ms) => (ms === Infinity ? 'no limit' : formatMs(ms)),
    onMove: (deadlineMs) => wish({ deadlineMs }),
    onChoice: listeners.onChoice,
  })
  const select = byId('wish-prefer', HTMLSelectElement)
  select.addEventListener('change', () => {
    wish({ prefer: select.value as Preference }) // The options of index.html have the preferences as their values.
    listeners.onChoice()
  })
  byId('wish-connection-field', HTMLElement).hidden = connection === undefined
  if (connection !== undefined) listenToConnection(connection.bytesPerSecond, listeners)
}

function listenToConnection(now: number | null, { onPlanChange }: WishListeners): void {
  slideOver(byId('wish-connection', HTMLInputElement), rates, now, {
    describe: (rate) => (rate === null ? 'no limit' : formatRate(rate)),
    onMove: () => undefined,
    onChoice: (rate) => void limitConnection(rate).then(onPlanChange),
  })
}

/** The slider of the connection, for who switches between slow and as fast as it goes. */
export const slideConnection = {
  set(isSlow: boolean): void {
    const slider = byId('wish-connection', HTMLInputElement)
    slider.value = isSlow ? String(rates.indexOf(slowRate)) : slider.max
    slider.dispatchEvent(new Event('input'))
    slider.dispatchEvent(new Event('change'))
  },

  /** @param onChange - hears whether the connection is slow, now and whenever that changes */
  listen(onChange: (isSlow: boolean) => void): void {
    const slider = byId('wish-connection', HTMLInputElement)
    const tell = () => onChange(slider.valueAsNumber < Number(slider.max))
    slider.addEventListener('change', tell)
    tell()
  },
}

interface Slide<Step> {
  readonly describe: (step: Step) => string
  readonly onMove: (step: Step) => void
  readonly onChoice: (step: Step) => void
}

/** A slider whose positions are steps; what it says is beside it. */
function slideOver<Step>(input: HTMLInputElement, steps: readonly Step[], now: Step, slide: Slide<Step>): void {
  const output = input.nextElementSibling
  const step = () => steps[input.valueAsNumber] ?? now
  const tell = () => {
    const text = slide.describe(step())
    if (output !== null) output.textContent = text
    input.setAttribute('aria-valuetext', text)
  }
  input.max = String(steps.length - 1)
  input.value = String(steps.includes(now) ? steps.indexOf(now) : steps.length - 1)
  tell()
  input.addEventListener('input', () => {
    tell()
    slide.onMove(step())
  })
  input.addEventListener('change', () => slide.onChoice(step()))
}
