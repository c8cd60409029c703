import type { EmployeePage } from '../net/api-types.ts'
import { type Problem, problemOf } from '../net/problem.ts'
import { byId } from '../view/dom.ts'
import { datesBetween } from './calendar.ts'
import { cellText, type GridRow } from './cell.ts'
import { GridRows, type RowRequest } from './grid-rows.ts'
import { type Layout, leftOf, type Position, positionAt, scrolledTo, visibleRows } from './layout.ts'
import { clamp, moved } from './movement.ts'
import { paintGrid } from './paint-grid.ts'
import { type Palette, readPalette } from './palette.ts'
import { RowLayer } from './row-layer.ts'
import { RowLoader } from './row-loader.ts'

/** The job whose days are shown. */
export interface GridSubject {
  readonly jobId: string
  readonly from: string
  readonly to: string
  /** As far as the job knows; 0 before it has counted them. */
  readonly employees: number
  readonly version: number
}

const COLUMN_WIDTHS = [2, 8, 18]
const ROW_HEIGHT = 22
const DATES_HEIGHT = 38
const LEAST_ROWS = 4

/** The grid of employees and days: scrolled, painted and walked through with the keys. */
export class GridView {
  readonly #read: (jobId: string, request: RowRequest) => Promise<EmployeePage>
  readonly #root = byId('grid', HTMLElement)
  readonly #scroller = byId('grid-scroll', HTMLElement)
  readonly #size = byId('grid-size', HTMLElement)
  readonly #canvas = byId('grid-canvas', HTMLCanvasElement)
  readonly #readout = byId('grid-readout', HTMLElement)
  readonly #problem = byId('grid-problem', HTMLElement)
  readonly #layer = new RowLayer(byId('grid-rows', HTMLElement))
  #subject: GridSubject | null = null
  #dates: readonly string[] = []
  #rows = new GridRows()
  #loader: RowLoader | null = null
  #active: Position = { row: 0, column: 0 }
  #zoom = COLUMN_WIDTHS.length - 1
  #palette: Palette
  #frame = 0

  constructor(read: (jobId: string, request: RowRequest) => Promise<EmployeePage>) {
    this.#read = read
    this.#palette = readPalette(this.#root)
    this.#scroller.addEventListener('scroll', () => this.#draw(), { passive: true })
    this.#scroller.addEventListener('click', (event) => this.#click(event))
    this.#root.addEventListener('keydown', (event) => this.#press(event))
    new ResizeObserver(() => this.#draw()).observe(this.#root)
    for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)', '(prefers-contrast: more)']) {
      matchMedia(query).addEventListener('change', () => {
        this.#palette = readPalette(this.#root)
        this.#draw()
      })
    }
    byId('zoom-in', HTMLButtonElement).addEventListener('click', () => this.#zoomBy(1))
    byId('zoom-out', HTMLButtonElement).addEventListener('click', () => this.#zoomBy(-1))
    this.#showZoom()
  }

  show(subject: GridSubject | null): void {
    const before = this.#subject
    this.#subject = subject
    if (subject === null) this.#loader?.stop()
    else if (before?.jobId !== subject.jobId) this.#begin(subject)
    this.#draw()
  }

  /** Brings a day into sight and gives it the focus; reads up to its employee when that one is not known yet. */
  async reveal(employeeId: string, date: string): Promise<void> {
    const subject = this.#subject
    if (!subject) return
    const column = Math.max(0, this.#dates.indexOf(date))
    while (this.#rows.indexOf(employeeId) === -1 && !this.#rows.complete && this.#subject?.jobId === subject.jobId) {
      const request = this.#rows.wanted({ from: this.#rows.known, to: this.#rows.known + 1 }, 0)
      if (!request) break
      try {
        this.#rows.add(request, await this.#read(subject.jobId, request), subject.version)
      } catch (error) {
        this.#changed(problemOf(error))
        return
      }
    }
    const row = this.#rows.indexOf(employeeId)
    if (row >= 0) this.#goTo({ row, column })
  }

  #begin(subject: GridSubject): void {
    this.#loader?.stop()
    const rows = new GridRows()
    this.#rows = rows
    this.#dates = datesBetween(subject.from, subject.to)
    this.#active = { row: 0, column: 0 }
    this.#layer.clear()
    this.#scroller.scrollTo(0, 0)
    this.#loader = new RowLoader(rows, {
      read: (request) => this.#read(subject.jobId, request),
      onChange: (problem) => this.#changed(problem),
    })
  }

  #changed(problem: Problem | null): void {
    this.#problem.hidden = problem === null
    this.#problem.textContent = problem ? `The days could not be read: ${problem.message}` : ''
    this.#draw()
  }

  #rowCount(): number {
    return this.#rows.complete ? this.#rows.known : Math.max(this.#rows.known, this.#subject?.employees ?? 0)
  }

  #layout(): Layout {
    const namesWidth = this.#root.clientWidth < 560 ? 104 : 176
    return {
      rows: this.#rowCount(),
      columns: this.#dates.length,
      namesWidth,
      datesHeight: DATES_HEIGHT,
      rowHeight: ROW_HEIGHT,
      columnWidth: COLUMN_WIDTHS[this.#zoom] ?? 1,
      width: this.#scroller.clientWidth,
      height: this.#scroller.clientHeight,
      scrollLeft: this.#scroller.scrollLeft,
      scrollTop: this.#scroller.scrollTop,
    }
  }

  /** Draws with the next frame, however often it is asked for. */
  #draw(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#drawNow(false))
  }

  #drawNow(focus: boolean): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = 0
    const subject = this.#subject
    if (!subject || !this.#root.isConnected || this.#root.clientWidth === 0) return
    const layout = this.#resized()
    const rowAt = (index: number): GridRow | undefined => this.#rows.at(index)
    this.#active = { ...this.#active, row: clamp(this.#active.row, Math.max(0, layout.rows - 1)) }
    this.#paint(layout, rowAt)
    this.#layer.render(layout, { dates: this.#dates, complete: this.#rowsFinal(), rowAt }, this.#active, focus)
    this.#showReadout(rowAt(this.#active.row), layout.rows)
    const { from, to } = visibleRows(layout)
    // Before anything is known, at least try to.
    this.#loader?.want({ from, to: Math.max(to, LEAST_ROWS) }, subject.version)
  }

  /** Gives the view its size, and the scroll bars theirs. */
  #resized(): Layout {
    const { rows, columns, namesWidth, columnWidth } = this.#layout()
    this.#size.style.width = `${namesWidth + columns * columnWidth}px`
    this.#size.style.height = `${DATES_HEIGHT + rows * ROW_HEIGHT}px`
    // As high as its rows and the scroll bar below them, up to what the style sheet allows.
    const bar = this.#scroller.offsetHeight - this.#scroller.clientHeight
    this.#root.style.height = `${DATES_HEIGHT + Math.max(LEAST_ROWS, rows) * ROW_HEIGHT + bar + 2}px`
    return this.#layout()
  }

  #paint(layout: Layout, rowAt: (index: number) => GridRow | undefined): void {
    const ratio = devicePixelRatio
    const [width, height] = [Math.round(layout.width * ratio), Math.round(layout.height * ratio)]
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width
      this.#canvas.height = height
      this.#canvas.style.width = `${layout.width}px`
      this.#canvas.style.height = `${layout.height}px`
    }
    const context = this.#canvas.getContext('2d')
    if (!context) return
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    const font = getComputedStyle(this.#canvas).font
    paintGrid(context, { layout, palette: this.#palette, dates: this.#dates, active: this.#active, font, rowAt })
  }

  #rowsFinal(): boolean {
    return this.#rows.complete || (this.#subject?.employees ?? 0) > 0
  }

  #showReadout(row: GridRow | undefined, rows: number): void {
    const { column } = this.#active
    const text = rows === 0 ? (this.#rows.complete ? 'Nobody to recalculate.' : 'Reading…') : ''
    this.#readout.textContent = text || cellText(row, column, this.#dates[column] ?? '')
  }

  #goTo(position: Position): void {
    this.#active = position
    const { left, top } = scrolledTo(this.#resized(), position)
    // At once: a focus that runs after its own scrolling is no help.
    this.#scroller.scrollTo({ left, top, behavior: 'instant' })
    this.#drawNow(true)
  }

  #press(event: KeyboardEvent): void {
    if (event.altKey || event.metaKey) return
    const layout = this.#layout()
    if (layout.rows === 0 || layout.columns === 0) return
    const page = Math.max(1, Math.floor((layout.height - DATES_HEIGHT) / ROW_HEIGHT) - 1)
    const to = moved(this.#active, { key: event.key, ctrl: event.ctrlKey }, layout, page)
    if (!to) return
    event.preventDefault()
    this.#goTo(to)
  }

  #click(event: MouseEvent): void {
    const box = this.#scroller.getBoundingClientRect()
    const position = positionAt(this.#layout(), event.clientX - box.left, event.clientY - box.top)
    if (position) this.#goTo(position)
  }

  #zoomBy(step: number): void {
    const before = leftOf(this.#layout(), this.#active.column)
    this.#zoom = clamp(this.#zoom + step, COLUMN_WIDTHS.length - 1)
    this.#showZoom()
    // The active day stays where it is.
    this.#scroller.scrollLeft += leftOf(this.#resized(), this.#active.column) - before
    this.#draw()
  }

  /** A button at its end stays focusable, it only does nothing. */
  #showZoom(): void {
    byId('zoom-out', HTMLButtonElement).ariaDisabled = String(this.#zoom === 0)
    byId('zoom-in', HTMLButtonElement).ariaDisabled = String(this.#zoom === COLUMN_WIDTHS.length - 1)
  }
}
