import type { ComponentChildren } from 'preact'
import { useMemo, useState } from 'preact/hooks'
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
import { differenceOf, fieldName, formatAmount, formatDifference } from '../model/field-change.ts'
import { formatCount } from '../model/format.ts'
import { rangeOf } from '../model/job-text.ts'
import type { Difference, PreviewRequest, PreviewSummary } from '../net/api-types.ts'
import { FailureGroups } from './failure-groups.tsx'
import { FoundCard } from './found-card.tsx'
import { Groups } from './group.tsx'
import { Button, Pairs } from './parts.tsx'
import { Search } from './search.tsx'
import { Table, Value, Whole } from './table.tsx'
import { MOST_KEPT, useFound } from './use-found.ts'

interface PreviewProps {
  readonly app: App
  readonly title: string
  readonly request: PreviewRequest
  /** What can be chosen about it. */
  readonly children?: ComponentChildren
}

/** What would be changed, and by how much: the totals first. It ends when nobody looks any more. */
export function Preview({ app, title, request, children }: PreviewProps) {
  const [search, setSearch] = useState('')
  const found = useFound<Difference, PreviewSummary>(JSON.stringify(request), (finding) =>
    app.api.preview(request, MOST_KEPT, finding),
  )
  const { items, summary } = found
  const all = useMemo(() => fieldDifferences(items), [items])
  const shown = useMemo(() => foundBy(search, all), [search, all])
  const groups = useMemo(() => fieldGroups(shown), [shown])
  return (
    <FoundCard
      id="preview"
      title={title}
      found={found}
      one="difference"
      count={summary && summary.inserts + summary.updates + summary.deletes}
      none="Nothing would change."
      choice={children}
    >
      {summary && <Summary summary={summary} />}
      {items.length > 0 && (
        <>
          <div class="row">
            <h4>Differences</h4>
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
        </>
      )}
    </FoundCard>
  )
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
      <p class="muted">
        A preview writes nothing{left_out.length > 0 && `, and leaves out what comes last: ${left_out.join(', ')}`}.
      </p>
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
      const values = [<Value of={before} />, <Value of={after} />, <Whole>{change}</Whole>]
      return {
        key: `${of.start_date} ${of.end_date} ${of.employee_id}`,
        cells: [of.employee_id, <Whole>{rangeOf(of)}</Whole>, ...values],
      }
    },
  }
}
