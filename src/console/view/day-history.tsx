import { useEffect, useState } from 'preact/hooks'
import type { App } from '../control/app.ts'
import { changesOf, valueText } from '../model/field-change.ts'
import { kindText } from '../model/job-text.ts'
import { hashOf } from '../model/route.ts'
import type { HistoryEntry, HistoryPage } from '../net/api-types.ts'
import { problemOf } from '../net/problem.ts'
import { Button, Notice } from './parts.tsx'
import { Instant, Table } from './table.tsx'

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
    <>
      <Table
        caption="History of this day, newest first"
        heads={['When', 'Table', 'What changed', 'Who asked', 'Why']}
        rows={entries.map((entry) => {
          const when = <Instant at={entry.at} />
          return {
            key: entry.id,
            cells: [when, entry.stage, <Changes entry={entry} />, <Who entry={entry} />, whyOf(entry)],
          }
        })}
      />
      {next !== null && <p class="muted">There is more; these are the newest {entries.length}.</p>}
    </>
  )
}

function Changes({ entry: { before, before_known, after, not_kept } }: { entry: HistoryEntry }) {
  if (not_kept !== null) return <span class="muted">not kept: {not_kept}</span>
  return (
    <>
      {before === null && before_known && <div class="muted">new</div>}
      {after === null && <div class="muted">removed</div>}
      {changesOf(before_known ? before : null, after).map(({ field, before: old, after: now }) => (
        <div key={field}>
          {field && <span class="muted">{field} </span>}
          {before_known ? valueText(old) : 'unknown'} → {valueText(now)}
        </div>
      ))}
    </>
  )
}

function Who({ entry: { actor, kind, job_id: id } }: { entry: HistoryEntry }) {
  return (
    <>
      {actor ?? <span class="muted">not told</span>}
      <div class="small muted">
        {kindText(kind)}
        {id && [', ', <a href={hashOf({ screen: 'jobs', id })}>its job</a>]}
      </div>
    </>
  )
}

function whyOf({ reason, tables }: HistoryEntry): string {
  const changed = tables.length > 0 ? `${tables.join(', ')} changed` : ''
  return [reason, changed].filter(Boolean).join('; ') || '–'
}
