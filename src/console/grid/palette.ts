import type { CellState } from './cell.ts'

/** The colours of the canvas. They stand in the style sheet, where light, dark and high contrast are told apart. */
export interface Palette {
  readonly states: Readonly<Record<CellState, string>>
  readonly mark: string
  readonly text: string
  readonly muted: string
  readonly line: string
  readonly weekend: string
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element)
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const [done, failed, blocked, closed, waiting] = [
    of('done'),
    of('failed'),
    of('blocked'),
    of('closed'),
    of('waiting'),
  ]
  const states = { done, failed, blocked, closed, waiting }
  return { states, mark: of('mark'), text: of('text'), muted: of('muted'), line: of('line'), weekend: of('weekend') }
}
