import { useEffect, useState } from 'preact/hooks'
import type { App } from '../control/app.ts'
import { formatInstant } from '../model/format.ts'
import type { HistoryEntry, HistoryPage } from '../net/api-types.ts'
import { problemOf } from '../net/problem.ts'
import { Button, Notice } from './parts.tsx'

/** The newest changes of a day that are shown; of more it is said that there are more. */
const SHOWN = 50

interface Day {
  readonly app: App
  readonly tenantId: string
  readonly employeeId: string
  readonly date: string
}

/** What was changed of the chosen day, when somebody wants to know. */
export function DayHistory({ app, tenantId, employeeId, date }: Day) {
  const [wanted, setWanted] = useState(false)
  const [page, setPage] = useState<HistoryPage | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    setPage(null)
    setProblem(null)
    if (!wanted) return
    const gone = new AbortController()
    const { signal } = gone
    const query = { tenant_id: tenantId, employee_id: employeeId, start_date: date, end_date: date, limit: SHOWN }
    app.api.history(query, { urgent: true, signal }).then(setPage, (error) => {
      if (!signal.aborted) setProblem(problemOf(error).message)
    })
    return () => gone.abort()
  }, [wanted, tenantId, employeeId, date])
  return (
    <div class="stack">
      <div>
        <Button
          class="quiet small"
          aria-expanded={wanted}
          onClick={() => setWanted(!wanted)}
          text={wanted ? 'Hide the history' : 'History of this day'}
        />
      </div>
      <Notice bad text={problem} />
      {wanted && (
        <p role="status" class="muted">
          {page ? page.entries.length === 0 && 'Nothing was changed.' : !problem && 'Reading…'}
        </p>
      )}
      {page && page.entries.length > 0 && <Entries page={page} />}
    </div>
  )
}

function Entries({ page: { entries, next } }: { page: HistoryPage }) {
  return (
    <div class="wide-table">
      <table>
        <caption class="hidden">History of this day, newest first</caption>
        <thead>
          <tr>
            {['When', 'Stage', 'Before', 'After', 'Who', 'Why'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <tr key={entry.id}>
              <td class="nowrap">{formatInstant(entry.at)}</td>
              <td class="nowrap">{entry.stage}</td>
              <td class="message">{entry.before_known ? textOf(entry, entry.before) : 'unknown'}</td>
              <td class="message">{textOf(entry, entry.after)}</td>
              <td>{entry.actor ?? '–'}</td>
              <td>{whyOf(entry)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {next !== null && <p class="muted">There is more.</p>}
    </div>
  )
}

function textOf({ not_kept }: HistoryEntry, value: unknown): string {
  if (not_kept !== null) return `not kept: ${not_kept}`
  return value === null ? 'no row' : JSON.stringify(value)
}

function whyOf({ reason, tables, kind }: HistoryEntry): string {
  return reason ?? (tables.length > 0 ? `changed: ${tables.join(', ')}` : kind)
}
