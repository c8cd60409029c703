import { h, render } from 'preact'
import { datesBetween } from '../model/calendar.ts'
import type { Asked } from '../net/api.ts'
import type { EmployeePage } from '../net/api-types.ts'
import { type Problem, problemOf } from '../net/problem.ts'
import { cellState, cellText, type MessageOf } from './cell.ts'
import { GridRows, type RowRequest } from './grid-rows.ts'
import { type Layout, leftOf, type Position, positionAt, scrolledTo, visibleRows } from './layout.ts'
import { clamp, moved } from './movement.ts'
import { paintGrid } from './paint-grid.ts'
import { type Palette, readPalette } from './palette.ts'
import { RowLayer } from './row-layer.tsx'
import { RowLoader } from './row-loader.ts'

/** The job whose days are shown. */
export interface GridSubject {
  readonly from: string
  readonly to: string
  /** As far as the job knows; 0 before it has counted them. */
  readonly employees: number
  readonly version: number
  readonly messageOf: MessageOf
}

/** What is said of the grid around it. */
export interface GridReport {
  readonly readout: string
  /** The day that the keyboard or the mouse has gone to. */
  readonly chosen: { readonly employeeId: string; readonly date: string } | null
  readonly problem: string | null
  /** A failed day of whom, of which is not known what it said. */
  readonly unexplained: string | null
  readonly zoom: Zoom
}

/** The width of the days: one of {@link COLUMN_WIDTHS} by its place, or as many as fit. */
type Zoom = number | 'fit'

export const COLUMN_WIDTHS = [2, 5, 9, 18, 28]
/** Days are not made narrower than this before somebody asks for it. */
const USUAL_ZOOM = 3
const ROW_HEIGHT = 22
const DATES_HEIGHT = 38
const LEAST_ROWS = 4

/** The grid of employees and days: scrolled, painted and walked through with the keys. */
export class GridView {
  readonly #read: (request: RowRequest, asked: Asked) => Promise<EmployeePage>
  readonly #onReport: (report: GridReport) => void
  readonly #root: HTMLElement
  readonly #canvas: HTMLCanvasElement
  readonly #scroller: HTMLElement
  readonly #size: HTMLElement
  readonly #layer: HTMLElement
  readonly #gone = new AbortController()
  readonly #sizes: ResizeObserver
  readonly #dates: readonly string[]
  readonly #rows = new GridRows()
  readonly #loader: RowLoader
  #subject: GridSubject
  #active: Position = { row: 0, column: 0 }
  #zoom: Zoom = 'fit'
  #problem: string | null = null
  #palette: Palette
  #frame = 0
  #told = ''
  /** Ascends with every search: only the latest one still moves anything. */
  #searches = 0

  constructor(
    root: HTMLElement,
    subject: GridSubject,
    read: (request: RowRequest, asked: Asked) => Promise<EmployeePage>,
    onReport: (report: GridReport) => void,
  ) {
    // The card makes the grid of these.
    const [canvas, scroller, layer] = root.children as unknown as [HTMLCanvasElement, HTMLElement, HTMLElement]
    this.#root = root
    this.#canvas = canvas
    this.#scroller = scroller
    this.#size = scroller.firstElementChild as HTMLElement
    this.#layer = layer
    this.#subject = subject
    this.#read = read
    this.#onReport = onReport
    this.#dates = datesBetween(subject.from, subject.to)
    this.#palette = readPalette(root)
    this.#loader = new RowLoader(this.#rows, { read, onChange: (problem) => this.#changed(problem) })
    const { signal } = this.#gone
    scroller.addEventListener('scroll', () => this.#draw(), { passive: true, signal })
    scroller.addEventListener('click', (event) => this.#click(event), { signal })
    root.addEventListener('keydown', (event) => this.#press(event), { signal })
    this.#sizes = new ResizeObserver(() => this.#draw())
    this.#sizes.observe(root)
    const repaint = () => {
      this.#palette = readPalette(root)
      this.#draw()
    }
    for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)', '(prefers-contrast: more)']) {
      matchMedia(query).addEventListener('change', repaint, { signal })
    }
    if (this.#layout().columnWidth < (COLUMN_WIDTHS[USUAL_ZOOM] ?? 0)) this.#zoom = USUAL_ZOOM
    this.#draw()
  }

  show(subject: GridSubject): void {
    this.#subject = subject
    this.#draw()
  }

  stop(): void {
    this.#gone.abort()
    this.#sizes.disconnect()
    this.#loader.stop()
    cancelAnimationFrame(this.#frame)
    render(null, this.#layer)
  }

  /** Brings a day into sight and gives it the focus; reads up to its employee when that one is not known yet. */
  async reveal(employeeId: string, date: string): Promise<boolean> {
    const column = Math.max(0, this.#dates.indexOf(date))
    const row = await this.#search(() => this.#rows.indexOf(employeeId))
    return this.#goToFound(row === null ? null : { row, column })
  }

  /** Goes to a date, or to the next employee whose id or name holds `text`. @returns false when there is none. */
  async find(text: string): Promise<boolean> {
    const { row: from, column } = this.#active
    if (/^\d{4}-\d\d(-\d\d)?$/.test(text)) {
      const found = this.#dates.findIndex((date) => date.startsWith(text))
      if (found >= 0) return this.#goToFound({ row: from, column: found })
    }
    const row = (await this.#search(() => this.#rows.find(text, from + 1))) ?? this.#rows.find(text, 0, from + 1)
    return this.#goToFound(row < 0 ? null : { row, column })
  }

  /** Goes to the failed day before or after the present one, around the end. @returns false when there is none. */
  async jump(step: 1 | -1): Promise<boolean> {
    const beside = () => this.#rows.failureBeside(this.#active, step, this.#dates)
    let found = beside()
    if (!found && step === 1) {
      await this.#search(() => (beside() ? 0 : -1))
      found = beside()
    }
    const edge = step === 1 ? { row: 0, column: -1 } : { row: this.#rows.known - 1, column: this.#dates.length }
    return this.#goToFound(found ?? this.#rows.failureBeside(edge, step, this.#dates))
  }

  /** Makes the days narrower or wider by a step, or as wide as all of them fit. */
  zoom(wanted: 1 | -1 | 'fit'): void {
    const layout = this.#layout()
    const before = leftOf(layout, this.#active.column)
    const { columnWidth } = layout
    const narrower = COLUMN_WIDTHS.filter((width) => width < columnWidth).length
    const wider = COLUMN_WIDTHS.filter((width) => width <= columnWidth).length
    this.#zoom = wanted === 'fit' ? 'fit' : clamp(wanted === 1 ? wider : narrower - 1, COLUMN_WIDTHS.length - 1)
    // The active day stays where it is.
    this.#scroller.scrollLeft += leftOf(this.#resized(), this.#active.column) - before
    this.#draw()
  }

  /** Reads on until `found` finds a row; `null`: there is none, it cannot be read, or somebody looks for something else. */
  async #search(found: () => number): Promise<number | null> {
    this.#searches += 1
    const search = this.#searches
    for (;;) {
      const row = found()
      if (row >= 0) return row
      const request = this.#rows.complete
        ? null
        : this.#rows.wanted({ from: this.#rows.known, to: this.#rows.known + 1 }, 0)
      if (!request) return null
      const { version } = this.#subject
      try {
        const page = await this.#read(request, { urgent: true, signal: this.#gone.signal })
        if (search !== this.#searches || this.#gone.signal.aborted) return null
        this.#rows.add(request, page, version)
      } catch (error) {
        if (!this.#gone.signal.aborted) this.#changed(problemOf(error))
        return null
      }
    }
  }

  #goToFound(position: Position | null): boolean {
    if (position) this.#goTo(position)
    return position !== null
  }

  #changed(problem: Problem | null): void {
    this.#problem = problem && `The days could not be read: ${problem.message}`
    this.#draw()
  }

  #rowCount(): number {
    return this.#rows.complete ? this.#rows.known : Math.max(this.#rows.known, this.#subject.employees)
  }

  #layout(): Layout {
    const scroller = this.#scroller
    const namesWidth = this.#root.clientWidth < 560 ? 112 : 208
    const columns = this.#dates.length
    const fitting = (scroller.clientWidth - namesWidth) / Math.max(1, columns)
    const fit = Math.min(40, fitting >= 4 ? Math.floor(fitting) : Math.max(0.25, fitting))
    return {
      rows: this.#rowCount(),
      columns,
      namesWidth,
      datesHeight: DATES_HEIGHT,
      rowHeight: ROW_HEIGHT,
      columnWidth: this.#zoom === 'fit' ? fit : (COLUMN_WIDTHS[this.#zoom] ?? 1),
      width: scroller.clientWidth,
      height: scroller.clientHeight,
      scrollLeft: scroller.scrollLeft,
      scrollTop: scroller.scrollTop,
    }
  }

  /** Draws with the next frame, however often it is asked for. */
  #draw(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#drawNow(false))
  }

  #drawNow(focus: boolean): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = 0
    const layer = this.#layer
    if (this.#root.clientWidth === 0) return
    const layout = this.#resized()
    this.#active = { ...this.#active, row: clamp(this.#active.row, Math.max(0, layout.rows - 1)) }
    const active = this.#active
    const rowAt = (index: number) => this.#rows.at(index)
    this.#paint(layout)
    const date = this.#dates[active.column] ?? ''
    const text = cellText(rowAt(active.row), active.column, date, this.#subject.messageOf)
    const hadFocus = document.activeElement?.role === 'gridcell'
    layer.ariaRowCount = String(this.#rows.complete || this.#subject.employees > 0 ? layout.rows + 1 : -1)
    layer.ariaColCount = String(layout.columns + 1)
    render(h(RowLayer, { layout, active, date, text, rowAt }), layer)
    const cell = layer.querySelector<HTMLElement>('[role="gridcell"]')
    if (focus || hadFocus) cell?.focus({ preventScroll: true })
    // The grid has scrolled itself; the page may have to, too.
    if (focus) cell?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
    this.#report(text, layout.rows)
    const { from, to } = visibleRows(layout)
    // Before anything is known, at least try to.
    this.#loader.want({ from, to: Math.max(to, LEAST_ROWS) }, this.#subject.version)
  }

  /** Gives the view its size, and the scroll bars theirs. */
  #resized(): Layout {
    const { rows, columns, namesWidth, columnWidth } = this.#layout()
    const scroller = this.#scroller
    this.#size.style.width = `${namesWidth + columns * columnWidth}px`
    this.#size.style.height = `${DATES_HEIGHT + rows * ROW_HEIGHT}px`
    // As high as its rows and the scroll bar below them, up to what the style sheet allows.
    const bar = scroller.offsetHeight - scroller.clientHeight
    this.#root.style.height = `${DATES_HEIGHT + Math.max(LEAST_ROWS, rows) * ROW_HEIGHT + bar + 2}px`
    return this.#layout()
  }

  #paint(layout: Layout): void {
    const canvas = this.#canvas
    const ratio = devicePixelRatio
    const [width, height] = [Math.round(layout.width * ratio), Math.round(layout.height * ratio)]
    if (canvas.width !== width || canvas.height !== height) {
      Object.assign(canvas, { width, height })
      Object.assign(canvas.style, { width: `${layout.width}px`, height: `${layout.height}px` })
    }
    const context = canvas.getContext('2d')
    if (!context) return
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    const font = getComputedStyle(canvas).font
    const rowAt = (index: number) => this.#rows.at(index)
    paintGrid(context, { layout, palette: this.#palette, dates: this.#dates, active: this.#active, font, rowAt })
  }

  #report(text: string, rows: number): void {
    const row = this.#rows.at(this.#active.row)
    const date = this.#dates[this.#active.column] ?? ''
    const failed = row && cellState(row, this.#active.column, date) === 'failed'
    const nobody = this.#rows.complete ? 'Nobody to recalculate.' : 'Reading…'
    const report: GridReport = {
      readout: rows === 0 ? nobody : text,
      chosen: row && date !== '' ? { employeeId: row.id, date } : null,
      problem: this.#problem,
      unexplained: failed && this.#subject.messageOf(row.id, date) === undefined ? row.id : null,
      zoom: this.#zoom,
    }
    const told = JSON.stringify(report)
    if (told !== this.#told) this.#onReport(report)
    this.#told = told
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
    if (!event.ctrlKey && event.key.toLowerCase() === 'n') return void this.jump(event.shiftKey ? -1 : 1)
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
}
