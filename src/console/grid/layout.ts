/** A cell by its row and column, both from 0. */
export interface Position {
  readonly row: number
  readonly column: number
}

export interface Extent {
  readonly rows: number
  readonly columns: number
}

/** Where things are, in CSS pixels: a column of names and a line of dates that stay, and cells that scroll. */
export interface Layout extends Extent {
  readonly namesWidth: number
  readonly datesHeight: number
  readonly rowHeight: number
  readonly columnWidth: number
  /** Of the whole view, names and dates included. */
  readonly width: number
  readonly height: number
  readonly scrollLeft: number
  readonly scrollTop: number
}

/** Half-open. */
export interface Span {
  readonly from: number
  readonly to: number
}

export function visibleRows(layout: Layout): Span {
  const from = Math.floor(layout.scrollTop / layout.rowHeight)
  const to = Math.ceil((layout.scrollTop + layout.height - layout.datesHeight) / layout.rowHeight)
  return within({ from, to }, layout.rows)
}

export function visibleColumns(layout: Layout): Span {
  const from = Math.floor(layout.scrollLeft / layout.columnWidth)
  const to = Math.ceil((layout.scrollLeft + layout.width - layout.namesWidth) / layout.columnWidth)
  return within({ from, to }, layout.columns)
}

export function leftOf(layout: Layout, column: number): number {
  return layout.namesWidth + column * layout.columnWidth - layout.scrollLeft
}

export function topOf(layout: Layout, row: number): number {
  return layout.datesHeight + row * layout.rowHeight - layout.scrollTop
}

/** The cell at a point of the view; a name counts as the first visible cell of its row. */
export function positionAt(layout: Layout, x: number, y: number): Position | null {
  if (y < layout.datesHeight) return null
  const row = Math.floor((y - layout.datesHeight + layout.scrollTop) / layout.rowHeight)
  const column = Math.floor(
    (Math.max(x, layout.namesWidth) - layout.namesWidth + layout.scrollLeft) / layout.columnWidth,
  )
  return row < layout.rows && column < layout.columns ? { row, column } : null
}

/** The scroll offset closest to the present one that shows a cell in full. */
export function scrolledTo(layout: Layout, { row, column }: Position): { left: number; top: number } {
  const [x, y] = [column * layout.columnWidth, row * layout.rowHeight]
  const [width, height] = [layout.width - layout.namesWidth, layout.height - layout.datesHeight]
  return {
    left: Math.min(x, Math.max(layout.scrollLeft, x + layout.columnWidth - width)),
    top: Math.min(y, Math.max(layout.scrollTop, y + layout.rowHeight - height)),
  }
}

function within({ from, to }: Span, size: number): Span {
  return { from: Math.max(0, Math.min(from, size)), to: Math.max(0, Math.min(to, size)) }
}
