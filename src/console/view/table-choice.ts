import { byId, make } from './dom.ts'

/** One checkbox for each table; where there is none, nothing is to be chosen. */
export function offerTables(tables: readonly string[]): void {
  byId('tables-choice', HTMLElement).hidden = tables.length === 0
  byId('tables-list', HTMLElement).replaceChildren(...tables.map(checkboxOf))
}

/** The tables whose box is checked. */
export function chosenTables(): readonly string[] {
  const boxes = byId('tables-list', HTMLElement).querySelectorAll<HTMLInputElement>('input:checked')
  return Array.from(boxes, ({ value }) => value)
}

function checkboxOf(table: string): HTMLElement {
  const box = make('input')
  box.type = 'checkbox'
  box.value = table
  box.setAttribute('aria-describedby', 'tables-error')
  return make('label', { className: 'choice' }, [box, make('span', { text: table })])
}
