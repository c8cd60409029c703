import type { CellState } from './cell.ts'

/** The colours of the canvas. They stand in the style sheet, where light, dark and high contrast are told apart. */
export interface Palette {
  readonly states: Readonly<Record<CellState, string>>
  readonly mark: string
  readonly text: string
  readonly muted: string
  readonly line: string
  readonly surface: string
  readonly weekend: string
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element)
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return {
    states: { done: colour('done'), failed: colour('failed'), blocked: colour('blocked'), waiting: colour('waiting') },
    mark: colour('mark'),
    text: colour('text'),
    muted: colour('muted'),
    line: colour('line'),
    surface: colour('surface'),
    weekend: colour('weekend'),
  }
}
