import type { ComponentChildren } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { App } from '../control/app.ts'
import { saveCsv } from '../control/save-file.ts'
import {
  differencesCsv,
  type FieldGroup,
  fieldDifferences,
  fieldGroups,
  foundBy,
  totalRows,
} from '../model/differences.ts'
import { differenceOf, fieldName, formatAmount, formatDifference, valueText } from '../model/field-change.ts'
import { formatCount, formatPlural } from '../model/format.ts'
import { rangeOf } from '../model/job-text.ts'
import type { Difference, PreviewRequest, PreviewSummary } from '../net/api-types.ts'
import { FailureGroups } from './failure-groups.tsx'
import { Groups } from './group.tsx'
import { Button, Notice, Pairs } from './parts.tsx'
import { Search } from './search.tsx'
import { Table, Whole } from './table.tsx'
import { type Found, MOST_KEPT, useFound } from './use-found.ts'

interface PreviewProps {
  readonly app: App
  readonly title: string
  readonly request: PreviewRequest
  /** What can be chosen about it. */
  readonly children?: ComponentChildren
}

/** What would be changed, and by how much: the totals first. It ends when nobody looks any more. */
export function Preview({ app, title, request, children }: PreviewProps) {
  const [round, setRound] = useState(0)
  const [search, setSearch] = useState('')
  const heading = useRef<HTMLHeadingElement>(null)
  // Whoever asked for it is led to it.
  useEffect(() => heading.current?.focus(), [])
  const found = useFound<Difference, PreviewSummary>(`${round} ${JSON.stringify(request)}`, (finding) =>
    app.api.preview(request, MOST_KEPT, finding),
  )
  const { items, summary, status, problem } = found
  const all = useMemo(() => fieldDifferences(items), [items])
  const shown = useMemo(() => foundBy(search, all), [search, all])
  const groups = useMemo(() => fieldGroups(shown), [shown])
  return (
    <section class="card stack" id="preview" aria-labelledby="preview-title">
      <div class="row">
        <h3 id="preview-title" class="grow" tabIndex={-1} ref={heading}>
          {title}
        </h3>
        {children}
        {status === 'reading' ? (
          <Button class="quiet small" onClick={found.stop} text="Stop" />
        ) : (
          <Button class="quiet small" onClick={() => setRound(round + 1)} text="Look again" />
        )}
      </div>
      <p role="status">{progressOf(found)}</p>
      <Notice bad text={problem} />
      {summary && <Summary summary={summary} />}
      {items.length > 0 && (
        <section class="stack" aria-labelledby="differences-title">
          <div class="row">
            <h4 id="differences-title">Differences</h4>
            <Search label="Search the differences" search={search} setSearch={setSearch} />
            <Button
              class="quiet small"
              off={shown.length === 0}
              onClick={() => saveCsv(`preview-${request.tenant_id}`, differencesCsv(shown))}
              text="Download CSV"
            />
          </div>
          {shown.length === 0 && <p class="muted">Nothing holds {search}.</p>}
          <Groups of="fields" groups={groups.map((group) => groupOf(group, groups.length === 1))} />
        </section>
      )}
    </section>
  )
}

/** How far it is, and whether what is shown is all. */
function progressOf({ items, summary, status }: Found<Difference, PreviewSummary>): string {
  const some = formatPlural(items.length, 'difference')
  if (status === 'reading') return items.length === 0 ? 'Looking…' : `Looking… ${some} as yet.`
  if (!summary) return status === 'stopped' ? `Stopped. ${some} until then.` : `${some} until then.`
  const count = summary.inserts + summary.updates + summary.deletes
  if (count === 0) return 'Nothing would change.'
  if (count === items.length) return `${some}. Nothing is written.`
  return `${formatPlural(count, 'difference')}; the first ${formatCount(items.length)} are shown below. Nothing is written.`
}

function Summary({ summary }: { summary: PreviewSummary }) {
  const { days, changed_days, closed_days, failed_days, inserts, updates, deletes, errors, totals, left_out } = summary
  const rows = totalRows(totals)
  const pairs = Object.entries({
    'Days looked at': days,
    'Days changed': changed_days,
    Inserted: inserts,
    Updated: updates,
    Deleted: deletes,
    'Failed, blocked': failed_days,
    Closed: closed_days,
  }).map(([name, count]) => [name, formatCount(count)] as const)
  return (
    <>
      <Pairs class="card tiles" id="preview-tiles" pairs={pairs} />
      {rows.length > 0 && (
        <Table
          caption="Totals of all differences"
          heads={['Table', 'Field', 'Before', 'After', 'Difference']}
          rows={rows.map(({ key, stage, field, total: { before, after } }) => {
            const amounts = [formatAmount(before), formatAmount(after), formatDifference(differenceOf(before, after))]
            return { key, cells: [stage, fieldName(field), ...amounts] }
          })}
        />
      )}
      {left_out.length > 0 && <p class="muted">A preview leaves out: {left_out.join(', ')}.</p>}
      {errors.length > 0 && (
        <section class="stack" aria-label="What would fail">
          <h4>What would fail</h4>
          <FailureGroups failures={errors} />
        </section>
      )}
    </>
  )
}

function groupOf({ key, stage, field, items }: FieldGroup, open: boolean) {
  const name = fieldName(field)
  return {
    key,
    name: `${stage}, ${name}`,
    open,
    items,
    summary: (
      <>
        <span class="message">{name}</span>
        <span class="muted">{stage}</span>
      </>
    ),
    heads: ['Employee', 'Day', 'Before', 'After', 'Difference'],
    row: ({ of, before, after }: (typeof items)[number]) => {
      const isAmount = typeof before === 'number' && typeof after === 'number'
      const change = isAmount ? formatDifference(differenceOf(before, after)) : of.kind
      const values = [valueText(before), valueText(after), change]
      return {
        key: `${of.start_date} ${of.end_date} ${of.employee_id}`,
        cells: [of.employee_id, <Whole>{rangeOf(of)}</Whole>, ...values],
      }
    },
  }
}
