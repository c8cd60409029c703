import { type Paged, pageNumber } from '../model/paged.ts'
import { make, setText } from './dom.ts'

export interface PagerActions {
  next(): Promise<void>
  previous(): Promise<void>
}

/** Buttons for the page before and the page after. Returns what shows a list's position in them. */
export function mountPager(root: HTMLElement, actions: PagerActions): (paged: Paged<unknown, unknown>) => void {
  const previous = make('button', { className: 'quiet small', text: 'Previous' })
  const next = make('button', { className: 'quiet small', text: 'Next' })
  const position = make('span', { className: 'position' })
  for (const button of [previous, next]) button.type = 'button'
  previous.addEventListener('click', () => void actions.previous())
  next.addEventListener('click', () => void actions.next())
  root.append(previous, position, next)
  return (paged) => {
    root.hidden = paged.trail.length === 1 && paged.next === null
    setText(position, `Page ${pageNumber(paged)}`)
    // `aria-disabled`, not `disabled`: a button that vanishes under the focus loses it.
    previous.ariaDisabled = String(paged.trail.length === 1)
    next.ariaDisabled = String(paged.next === null)
  }
}
