import { make } from '../view/dom.ts'
import { cellText, type GridRow } from './cell.ts'
import { type Layout, leftOf, type Position, topOf, visibleRows } from './layout.ts'

/** What the rows show. */
export interface RowSource {
  readonly dates: readonly string[]
  /** Whether the number of rows is final. */
  readonly complete: boolean
  rowAt(index: number): GridRow | undefined
}

/**
 * What a screen reader and the focus see of the grid: the visible rows with their names, and the one active cell. The cells
 * themselves are painted, so the number of elements does not grow with the job.
 */
export class RowLayer {
  readonly #root: HTMLElement
  readonly #rows = new Map<number, HTMLElement>()
  readonly #dateHeader = make('span', { role: 'columnheader', className: 'hidden' })
  readonly #header: HTMLElement
  #cell: HTMLElement | null = null
  #cellAt: Position = { row: -1, column: -1 }

  constructor(root: HTMLElement) {
    this.#root = root
    const names = make('span', { role: 'columnheader', className: 'grid-corner', text: 'Employee' })
    names.ariaColIndex = '1'
    this.#header = make('div', { role: 'row', className: 'grid-head' }, [names, this.#dateHeader])
    this.#header.ariaRowIndex = '1'
    root.append(this.#header)
  }

  /** Shows the rows of a layout; with `focus` the active cell gets it. */
  render(layout: Layout, source: RowSource, active: Position, focus: boolean): void {
    this.#root.ariaRowCount = String(source.complete ? layout.rows + 1 : -1)
    this.#root.ariaColCount = String(layout.columns + 1)
    this.#header.style.height = `${layout.datesHeight}px`
    // As wide as the names, which it must cover when a row is half scrolled away.
    this.#header.style.width = `${layout.namesWidth - 1}px`
    this.#dateHeader.ariaColIndex = String(active.column + 2)
    this.#dateHeader.textContent = source.dates[active.column] ?? ''
    const hadFocus = this.#cell !== null && this.#cell === document.activeElement
    const shown = this.#renderRows(layout, source, active)
    const moved = this.#cellAt.row !== active.row || this.#cellAt.column !== active.column
    // A cell of its own for each place: only then is the new one announced.
    if (moved || !this.#cell?.isConnected) this.#replaceCell(active, shown)
    if (!this.#cell) return
    this.#cell.ariaLabel = cellText(source.rowAt(active.row), active.column, source.dates[active.column] ?? '')
    place(this.#cell, leftOf(layout, active.column), 0, layout.columnWidth, layout.rowHeight)
    // Scrolled under the names or the dates, the frame would lie on top of them.
    const covered = leftOf(layout, active.column) < layout.namesWidth || topOf(layout, active.row) < layout.datesHeight
    this.#cell.classList.toggle('covered', covered)
    if (focus || hadFocus) this.#cell.focus({ preventScroll: true })
    // The grid has scrolled itself; the page may have to, too.
    if (focus) this.#cell.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }

  clear(): void {
    for (const row of this.#rows.values()) row.remove()
    this.#rows.clear()
    this.#cell = null
  }

  /** The visible rows, and the one with the active cell wherever it is: the focus must not be lost by scrolling. */
  #renderRows(layout: Layout, source: RowSource, active: Position): HTMLElement | undefined {
    const { from, to } = visibleRows(layout)
    const wanted = new Set<number>()
    for (let index = from; index < to; index += 1) wanted.add(index)
    if (active.row < layout.rows) wanted.add(active.row)
    for (const [index, row] of this.#rows) {
      if (wanted.has(index)) continue
      row.remove()
      this.#rows.delete(index)
    }
    let before: Element = this.#header
    for (const index of [...wanted].sort((a, b) => a - b)) {
      const row = this.#rowAt(index, before)
      before = row
      const name = row.firstElementChild as HTMLElement
      const label = source.rowAt(index)?.label ?? '…'
      if (name.textContent !== label) {
        name.textContent = label
        name.title = label
      }
      name.style.width = `${layout.namesWidth - 1}px`
      row.classList.toggle('active', index === active.row)
      row.classList.toggle('covered', topOf(layout, index) <= layout.datesHeight - layout.rowHeight)
      place(row, 0, topOf(layout, index), layout.width, layout.rowHeight)
    }
    return this.#rows.get(active.row)
  }

  #rowAt(index: number, before: Element): HTMLElement {
    const known = this.#rows.get(index)
    if (known) return known
    const name = make('span', { role: 'rowheader', className: 'grid-name' })
    name.ariaColIndex = '1'
    const row = make('div', { role: 'row', className: 'grid-row' }, [name])
    row.ariaRowIndex = String(index + 2)
    before.after(row)
    this.#rows.set(index, row)
    return row
  }

  #replaceCell(active: Position, row: HTMLElement | undefined): void {
    const old = this.#cell
    this.#cellAt = active
    this.#cell = row ? make('span', { role: 'gridcell', className: 'grid-cell' }) : null
    if (this.#cell && row) {
      this.#cell.tabIndex = 0
      this.#cell.ariaColIndex = String(active.column + 2)
      row.append(this.#cell)
      // The focus goes straight from one to the other.
      if (old === document.activeElement) this.#cell.focus({ preventScroll: true })
    }
    old?.remove()
  }
}

function place(element: HTMLElement, left: number, top: number, width: number, height: number): void {
  element.style.transform = `translate(${left}px, ${top}px)`
  element.style.width = `${width}px`
  element.style.height = `${height}px`
}
