/**
 * Shows Markdown that nobody can be trusted to have written: each element is built here from the parsed text, and of HTML, images
 * and addresses of other protocols nothing but their text comes onto the page.
 */
import type { Nodes } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { html } from '../dom.js'
import type { Stretch } from './answer.js'
import { underlined } from './underline.js'

const safeProtocols: readonly string[] = ['http:', 'https:', 'mailto:']

export function renderMarkdown(source: string, stretches: readonly Stretch[]): Node[] {
  const text: ShowText = (value, node) => underlined(value, placeOf(value, node, source), stretches)
  return childrenOf(fromMarkdown(source), text)
}

/** Shows a text of a node, underlined. */
type ShowText = (value: string, node: Nodes) => Node[]

function childrenOf(node: Nodes, text: ShowText): Node[] {
  return 'children' in node ? node.children.flatMap((child) => render(child, text)) : []
}

function render(node: Nodes, text: ShowText): Node[] {
  const children = () => childrenOf(node, text)
  switch (node.type) {
    case 'text':
      return text(node.value, node)
    case 'paragraph':
      return [html('p', {}, ...children())]
    // Of one level: the page's outline is not the model's.
    case 'heading':
      return [html('h4', {}, ...children())]
    case 'blockquote':
      return [html('blockquote', {}, ...children())]
    case 'list':
      return [html(node.ordered === true ? 'ol' : 'ul', { start: node.start ?? undefined }, ...children())]
    case 'listItem':
      return [html('li', {}, ...children())]
    case 'code':
      return [html('pre', { tabindex: 0 }, html('code', {}, ...text(node.value, node)))]
    case 'inlineCode':
      return [html('code', {}, ...text(node.value, node))]
    case 'emphasis':
      return [html('em', {}, ...children())]
    case 'strong':
      return [html('strong', {}, ...children())]
    case 'break':
      return [html('br')]
    case 'thematicBreak':
      return [html('hr')]
    case 'link':
      return [link(node.url, children())]
    case 'html':
      return text(node.value, node)
    case 'image':
    case 'imageReference':
      return text(node.alt ?? '', node)
    default:
      return children()
  }
}

function link(address: string, children: Node[]): HTMLElement {
  const url = URL.parse(address)
  if (url === null || !safeProtocols.includes(url.protocol)) return html('span', {}, ...children)
  return html('a', { href: url.href, target: '_blank', rel: 'noopener noreferrer nofollow' }, ...children)
}

/** Where a node's text stands in the answer: behind its marks. */
function placeOf(value: string, { position }: Nodes, source: string): number {
  const start = position?.start.offset ?? 0
  const found = source.indexOf(value, start)
  return found < 0 || found > (position?.end.offset ?? start) ? start : found
}
