// biome-ignore-all lint/a11y/useSemanticElements: a table cannot hold only the rows that are in sight
// biome-ignore-all lint/a11y/noAriaHiddenOnFocusable: a canvas without a tabindex takes no focus
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { datesBetween } from '../model/calendar.ts'
import { may } from '../model/state.ts'
import type { Failure } from '../net/api-types.ts'
import { DayHistory } from '../view/day-history.tsx'
import { Button, Notice, submitting } from '../view/parts.tsx'
import type { JobProps } from '../view/screen.ts'
import { COLUMN_WIDTHS, type GridReport, type GridSubject, GridView } from './grid-view.ts'

/** What others may ask of the grid. */
export interface GridHandle {
  reveal(employeeId: string, date: string): Promise<boolean>
}

const WIDEST = COLUMN_WIDTHS.length - 1
const STATES = ['done', 'failed', 'blocked', 'closed', 'waiting']

/** The grid with what leads through it. */
export function GridCard({ app, state, watched, job, handle }: JobProps & { handle: { current: GridHandle | null } }) {
  const [report, setReport] = useState<GridReport>({
    readout: 'Reading…',
    chosen: null,
    problem: null,
    unexplained: null,
    zoom: 0,
  })
  const [explained, setExplained] = useState<readonly Failure[]>([])
  const [missed, setMissed] = useState<string | null>(null)
  const jobId = job.job_id
  const { items } = state.failures
  const messages = useMemo(() => messagesOf([...explained, ...items]), [explained, items])
  const subject: GridSubject = {
    from: job.start_date,
    to: job.end_date,
    employees: Math.round(job.total_days / Math.max(1, datesBetween(job.start_date, job.end_date).length)),
    version: watched.version,
    messageOf: (employeeId, date) => messages.get(`${date} ${employeeId}`),
  }
  const root = useRef<HTMLDivElement>(null)
  const view = useRef<GridView | null>(null)
  useEffect(() => {
    if (!root.current) return
    const made = new GridView(
      root.current,
      subject,
      async ({ after, limit }, asked) => {
        const page = await app.api.employees(jobId, { after, limit }, asked)
        app.store.dispatch({ type: 'watched', jobId, action: { type: 'employees-read', employees: page.employees } })
        return page
      },
      setReport,
    )
    view.current = made
    handle.current = made
    return () => made.stop()
  }, [])
  useEffect(() => view.current?.show(subject), [watched.version, job, messages])
  const { unexplained, zoom } = report
  useEffect(() => {
    if (unexplained === null) return
    app.failures.ofEmployee(jobId, unexplained).then(setExplained, () => setExplained([]))
  }, [unexplained])

  const look = async (found: Promise<boolean> | undefined, nothing: string) => {
    setMissed(null)
    if ((await found) === false) setMissed(nothing)
  }
  const zoomTo = (wanted: 1 | -1 | 'fit') => view.current?.zoom(wanted)
  return (
    <section aria-labelledby="grid-title" class="card">
      <div class="row">
        <h3 id="grid-title">Employees and days</h3>
        <ul class="row muted" aria-label="Legend">
          {STATES.map((name) => (
            <li key={name} class="row">
              <i class={`swatch ${name}`} /> {name}
            </li>
          ))}
        </ul>
      </div>
      <div class="row toolbar">
        <FindForm find={(text) => look(view.current?.find(text), `Nothing is called ${text}.`)} />
        {job.failed_days > 0 && (
          <>
            <Button
              class="quiet small"
              onClick={() => look(view.current?.jump(-1), 'No failed day.')}
              text="Previous failure"
            />
            <Button
              class="quiet small"
              onClick={() => look(view.current?.jump(1), 'No failed day.')}
              text="Next failure"
            />
          </>
        )}
        <span class="grow" />
        <span class="row">
          <Button class="quiet small" aria-label="Narrower days" off={zoom === 0} onClick={() => zoomTo(-1)} text="−" />
          <Button
            class="quiet small"
            aria-label="Wider days"
            off={zoom === WIDEST}
            onClick={() => zoomTo(1)}
            text="+"
          />
          <Button class="quiet small" off={zoom === 'fit'} onClick={() => zoomTo('fit')} text="Fit to width" />
        </span>
      </div>
      <Notice text={report.problem} />
      <div class="grid" id="grid" ref={root}>
        <canvas id="grid-canvas" aria-hidden="true" />
        <div class="grid-scroll" id="grid-scroll" tabIndex={-1}>
          <div />
        </div>
        <div class="grid-rows" role="grid" aria-labelledby="grid-title" aria-describedby="grid-help" />
      </div>
      <p id="grid-readout">{report.readout}</p>
      {report.chosen && may(state, 'history') && <DayHistory app={app} tenantId={job.tenant_id} {...report.chosen} />}
      <p role="status">{missed}</p>
      <p class="hidden" id="grid-help">
        Arrow keys move by a day or an employee, Home and End within the row, with Control in the whole grid, Page Up
        and Page Down by a screen, N to the next failed day, Shift and N to the one before.
      </p>
    </section>
  )
}

function FindForm({ find }: { find(text: string): unknown }) {
  const [text, setText] = useState('')
  return (
    <form class="find row" onSubmit={submitting(() => text.trim() && find(text.trim()))}>
      <input
        aria-label="Find an employee or date"
        placeholder="Employee or YYYY-MM-DD"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <Button submit class="quiet small" text="Find" />
    </form>
  )
}

function messagesOf(failures: readonly Failure[]): ReadonlyMap<string, string> {
  return new Map(failures.map(({ employee_id: id, date, message }) => [`${date} ${id}`, message]))
}
