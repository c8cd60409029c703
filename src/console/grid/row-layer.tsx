// biome-ignore-all lint/a11y/useSemanticElements: a table cannot hold only the rows that are in sight
// biome-ignore-all lint/a11y/useFocusableInteractive: in a grid only the active cell takes the focus
import type { GridRow } from './cell.ts'
import { type Layout, leftOf, type Position, topOf, visibleRows } from './layout.ts'

export interface RowLayerProps {
  readonly layout: Layout
  readonly active: Position
  readonly date: string
  /** What is said of the active cell. */
  readonly text: string
  rowAt(index: number): GridRow | undefined
}

/**
 * What a screen reader and the focus see of the grid: the visible rows with their names, and the one active cell. The cells
 * themselves are painted, so the number of elements does not grow with the job.
 */
export function RowLayer({ layout, active, date, text, rowAt }: RowLayerProps) {
  const names = { width: `${layout.namesWidth - 1}px` }
  return (
    <>
      <div role="row" class="grid-head" aria-rowindex={1} style={{ ...names, height: `${layout.datesHeight}px` }}>
        <span role="columnheader" aria-colindex={1}>
          Employee
        </span>
        <span role="columnheader" class="hidden" aria-colindex={active.column + 2}>
          {date}
        </span>
      </div>
      {shownRows(layout, active.row).map((index) => {
        const row = rowAt(index)
        const top = topOf(layout, index)
        const covered = top <= layout.datesHeight - layout.rowHeight
        return (
          <div
            key={index}
            role="row"
            class={`grid-row${index === active.row ? ' active' : ''}${covered ? ' covered' : ''}`}
            aria-rowindex={index + 2}
            style={{ ...placed(0, top), width: `${layout.width}px`, height: `${layout.rowHeight}px` }}
          >
            <span role="rowheader" class="grid-name" aria-colindex={1} style={names} title={row && titleOf(row)}>
              {row ? (row.name ?? row.id) : '…'}
              {row?.name && row.name !== row.id && <span class="muted"> {row.id}</span>}
            </span>
            {index === active.row && (
              <ActiveCell key={`${active.row} ${active.column}`} {...{ layout, active, text }} />
            )}
          </div>
        )
      })}
    </>
  )
}

/** A cell of its own for each place: only then is the new one announced. */
function ActiveCell({ layout, active, text }: Pick<RowLayerProps, 'layout' | 'active' | 'text'>) {
  const left = leftOf(layout, active.column)
  // Scrolled under the names or the dates, the frame would lie on top of them.
  const covered = left < layout.namesWidth || topOf(layout, active.row) < layout.datesHeight
  return (
    <span
      role="gridcell"
      class={covered ? 'grid-cell covered' : 'grid-cell'}
      tabIndex={0}
      aria-colindex={active.column + 2}
      aria-label={text}
      style={{ ...placed(left, 0), width: `${layout.columnWidth}px`, height: `${layout.rowHeight}px` }}
    />
  )
}

/** The visible rows, and the one with the active cell wherever it is: the focus must not be lost by scrolling. */
function shownRows(layout: Layout, active: number): readonly number[] {
  const { from, to } = visibleRows(layout)
  const rows = Array.from({ length: to - from }, (_, index) => from + index)
  if (active >= layout.rows || (active >= from && active < to)) return rows
  return active < from ? [active, ...rows] : [...rows, active]
}

function titleOf({ id, name }: GridRow): string {
  return name === null ? id : `${name}, ${id}`
}

function placed(left: number, top: number) {
  return { transform: `translate(${left}px, ${top}px)` }
}
