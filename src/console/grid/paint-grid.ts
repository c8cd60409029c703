import { monthOf, weekday } from '../model/calendar.ts'
import { cellState, type GridRow } from './cell.ts'
import { type Layout, leftOf, type Position, topOf, visibleColumns, visibleRows } from './layout.ts'
import { paintCell, ROOM_FOR_MARKS } from './paint-cell.ts'
import type { Palette } from './palette.ts'

/** What there is to see. */
export interface Picture {
  readonly layout: Layout
  readonly palette: Palette
  readonly dates: readonly string[]
  readonly active: Position
  readonly font: string
  rowAt(index: number): GridRow | undefined
}

/** Draws what is visible, and nothing else: the cost does not grow with the job. */
export function paintGrid(canvas: CanvasRenderingContext2D, picture: Picture): void {
  const { layout, palette } = picture
  canvas.clearRect(0, 0, layout.width, layout.height)
  clipped(canvas, layout.namesWidth, 0, layout.width, layout.height, () => {
    paintWeekends(canvas, picture)
    paintDates(canvas, picture)
  })
  clipped(canvas, layout.namesWidth, layout.datesHeight, layout.width, layout.height, () => paintRows(canvas, picture))
  canvas.fillStyle = palette.line
  canvas.fillRect(0, layout.datesHeight - 1, layout.width, 1)
  canvas.fillRect(layout.namesWidth - 1, 0, 1, layout.height)
}

function paintWeekends(canvas: CanvasRenderingContext2D, { layout, palette, dates }: Picture): void {
  const { from, to } = visibleColumns(layout)
  const end = Math.min(layout.height, topOf(layout, layout.rows))
  canvas.fillStyle = palette.weekend
  for (let column = from; column < to; column += 1) {
    if (weekday(dates[column] ?? '') % 6 !== 0) continue
    canvas.fillRect(leftOf(layout, column), layout.datesHeight, layout.columnWidth, end - layout.datesHeight)
  }
}

function paintDates(canvas: CanvasRenderingContext2D, picture: Picture): void {
  const { layout, palette, dates, font, active } = picture
  const { from, to } = visibleColumns(layout)
  canvas.font = font
  canvas.textBaseline = 'middle'
  for (let column = from; column < to; column += 1) {
    const date = dates[column] ?? ''
    const x = leftOf(layout, column)
    const first = date.endsWith('-01')
    if (first && column > 0) {
      canvas.fillStyle = palette.line
      canvas.fillRect(x, 0, 1, layout.height)
    }
    if (first || column === from) paintMonth(canvas, picture, column, from)
    if (layout.columnWidth < ROOM_FOR_MARKS) continue
    canvas.fillStyle = column === active.column ? palette.text : palette.muted
    canvas.textAlign = 'center'
    canvas.fillText(String(Number(date.slice(8))), x + layout.columnWidth / 2, layout.datesHeight - 10)
  }
}

/** The month's name stays in sight as long as enough of its days do. */
function paintMonth(
  canvas: CanvasRenderingContext2D,
  { layout, palette, dates }: Picture,
  column: number,
  from: number,
): void {
  const date = dates[column] ?? ''
  const name = monthOf(date)
  const width = canvas.measureText(name).width + 6
  const next = dates.findIndex((other, index) => index > column && other.endsWith('-01'))
  const end = next === -1 ? Number.POSITIVE_INFINITY : leftOf(layout, next)
  const start = Math.max(leftOf(layout, column), layout.namesWidth)
  if (end - start < width && column === from) return
  canvas.fillStyle = palette.text
  canvas.textAlign = 'left'
  canvas.fillText(end - start < width ? name.slice(0, 3) : name, start + 3, 9)
}

function paintRows(canvas: CanvasRenderingContext2D, picture: Picture): void {
  const { layout, palette, dates, active } = picture
  const { from, to } = visibleColumns(layout)
  const rows = visibleRows(layout)
  for (let index = rows.from; index < rows.to; index += 1) {
    const y = topOf(layout, index)
    const row = picture.rowAt(index)
    if (index === active.row) {
      canvas.fillStyle = palette.weekend
      canvas.fillRect(layout.namesWidth, y, layout.width, layout.rowHeight)
    }
    if (!row) continue
    for (let column = from; column < to; column += 1) {
      const state = cellState(row, column, dates[column] ?? '')
      paintCell(canvas, state, palette, leftOf(layout, column), y, layout.columnWidth, layout.rowHeight)
    }
  }
}

function clipped(
  canvas: CanvasRenderingContext2D,
  left: number,
  top: number,
  right: number,
  bottom: number,
  paint: () => void,
): void {
  canvas.save()
  canvas.beginPath()
  canvas.rect(left, top, right - left, bottom - top)
  canvas.clip()
  paint()
  canvas.restore()
}
