import { useMemo, useState } from 'preact/hooks'
import { saveCsv } from '../control/save-file.ts'
import { correctedFields, correctionsCsv, correctionsWith } from '../model/corrections.ts'
import { totalRows } from '../model/differences.ts'
import { fieldName, formatDifference } from '../model/field-change.ts'
import { formatCount, formatPlural } from '../model/format.ts'
import { rangeOf } from '../model/job-text.ts'
import { may } from '../model/state.ts'
import type { Correction, CorrectionsSummary, Days } from '../net/api-types.ts'
import { problemOf } from '../net/problem.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'
import { FailureGroups } from './failure-groups.tsx'
import { FoundCard } from './found-card.tsx'
import { Button, Notice, Pager, Pairs, usePages } from './parts.tsx'
import type { ViewProps } from './screen.ts'
import { Search } from './search.tsx'
import { type Row, Table, Value, Whole } from './table.tsx'
import { useFound } from './use-found.ts'

const PER_PAGE = 50

/** So many are taken over by a request: all of them or none. */
const PER_REQUEST = 1_000

/** What closed days of a tenant owe, and taking that over. */
export function Owed({ app, state, tenantId, days: { from, to } }: ViewProps & { tenantId: string; days: Days }) {
  const [search, setSearch] = useState('')
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [asking, setAsking] = useState(false)
  const [done, setDone] = useState<string | null>(null)
  const [refusal, setRefusal] = useState<{ readonly of: readonly Correction[]; readonly text: string } | null>(null)
  const found = useFound<Correction, CorrectionsSummary>(`${tenantId} ${from}`, (finding) =>
    app.api.corrections({ tenant_id: tenantId, start_date: from, end_date: to }, finding),
  )
  const { items, summary, status } = found
  const shown = useMemo(() => correctionsWith(search, items), [search, items])
  const pages = usePages(shown.length, PER_PAGE)
  const taken = useMemo(() => items.filter(({ id }) => chosen.has(id)), [items, chosen])
  const choose = (corrections: readonly Correction[], isChosen: boolean) => {
    const next = new Set(chosen)
    for (const { id } of corrections) isChosen ? next.add(id) : next.delete(id)
    setChosen(next)
  }
  const takeOver = async () => {
    setRefusal(null)
    let settled = 0
    try {
      for (let at = 0; at < taken.length; at += PER_REQUEST) {
        const ids = taken.slice(at, at + PER_REQUEST).map(({ id }) => id)
        settled += (await app.api.settleCorrections(tenantId, ids)).settled
      }
      setChosen(new Set())
      found.again()
    } catch (error) {
      setRefusal({ of: items, text: refusalOf(error, items) })
    }
    setDone(settled > 0 ? `${formatPlural(settled, 'correction')} taken over.` : null)
  }
  const settles = may(state, 'settle-corrections')
  const all = shown.length > 0 && shown.every(({ id }) => chosen.has(id))
  return (
    <FoundCard
      id="owed"
      title={`${tenantId}, ${from.slice(0, 7)}`}
      found={found}
      one="correction"
      count={summary?.corrections ?? null}
      none="Nothing is owed."
      done={done}
      problem={refusal?.of === items ? refusal.text : null}
    >
      {summary && <Summary summary={summary} />}
      {items.length > 0 && (
        <>
          <div class="row">
            <Search label="Search the corrections" search={search} setSearch={setSearch} />
            {settles && (
              <>
                <Button
                  class="quiet small"
                  off={shown.length === 0}
                  onClick={() => choose(shown, !all)}
                  text={all ? 'Choose none' : `Choose all ${formatCount(shown.length)}`}
                />
                <Button
                  class="small"
                  off={taken.length === 0 || status === 'reading'}
                  onClick={() => setAsking(true)}
                  text={`Take over ${formatCount(taken.length)}…`}
                />
              </>
            )}
            <Button
              class="quiet small"
              onClick={() =>
                saveCsv(`corrections-${tenantId}-${from.slice(0, 7)}`, correctionsCsv(taken.length > 0 ? taken : shown))
              }
              text={taken.length > 0 ? 'CSV of the chosen' : 'Download CSV'}
            />
          </div>
          <Table
            caption="Corrections"
            heads={[
              ...(settles ? ['(Chosen)'] : []),
              ...['Employee', 'Day', 'Table', 'Field', 'Stored', 'Right', 'Taken over', 'Difference'],
            ]}
            rows={shown.slice(pages.from, pages.to).flatMap((correction) =>
              rowsOf(correction).map(({ key, cells }, index) => {
                const box = index === 0 && <Choice correction={correction} chosen={chosen} choose={choose} />
                return { key, cells: settles ? [box, ...cells] : cells }
              }),
            )}
          />
          {shown.length === 0 && <p class="muted">Nothing holds {search}.</p>}
          <Pager label="Pages of corrections" {...pages} />
        </>
      )}
      {asking && (
        <ConfirmDialog
          title={`Take over ${formatPlural(taken.length, 'correction')}?`}
          confirm="Take them over"
          close={() => setAsking(false)}
          confirmed={takeOver}
        >
          <p>
            They count as booked from then on, and later lists hold only what comes behind them. That cannot be undone:
            save their CSV first if you need it.
          </p>
        </ConfirmDialog>
      )}
    </FoundCard>
  )
}

interface ChoiceProps {
  readonly correction: Correction
  readonly chosen: ReadonlySet<string>
  choose(corrections: readonly Correction[], isChosen: boolean): void
}

function Choice({ correction, chosen, choose }: ChoiceProps) {
  return (
    <input
      type="checkbox"
      aria-label={`Choose ${correction.employee_id}, ${rangeOf(correction)}, ${correction.stage}`}
      checked={chosen.has(correction.id)}
      onChange={(event) => choose([correction], event.currentTarget.checked)}
    />
  )
}

/** A row for each field; what they have in common stands in the first. */
function rowsOf(correction: Correction): readonly Row[] {
  const { id, employee_id, stage } = correction
  const place = [employee_id, <Whole>{rangeOf(correction)}</Whole>, stage]
  return correctedFields(correction).map(({ field, stored, right, taken, difference }, index) => {
    const left = difference === null ? 'no number' : formatDifference(difference)
    const amounts = [stored, right, taken].map((of) => <Value of={of} />)
    return {
      key: `${id} ${field}`,
      cells: [...(index === 0 ? place : place.map(() => null)), fieldName(field), ...amounts, <Whole>{left}</Whole>],
    }
  })
}

function Summary({
  summary: { corrections, totals, failed_days, failed_periods, errors },
}: {
  summary: CorrectionsSummary
}) {
  const rows = totalRows(totals)
  const failed = [
    ...(failed_days > 0 ? [formatPlural(failed_days, 'day')] : []),
    ...(failed_periods > 0 ? [formatPlural(failed_periods, 'period')] : []),
  ]
  return (
    <>
      {failed.length > 0 && (
        <>
          <Notice text={`${failed.join(' and ')} could not be calculated. Nobody knows what they owe.`} />
          <FailureGroups failures={errors} />
        </>
      )}
      {corrections > 0 && (
        <Pairs
          class="card tiles"
          id="owed-tiles"
          pairs={[
            ['Corrections', formatCount(corrections)],
            ...rows.map(({ stage, field, total }) => {
              return [field ? `${stage}, ${field}` : stage, formatDifference(total)] as const
            }),
          ]}
        />
      )}
    </>
  )
}

/** Why corrections were not taken over, in words. */
function refusalOf(error: unknown, items: readonly Correction[]): string {
  const { details, message } = problemOf(error)
  if (details.code !== 'STALE_CORRECTION') return message
  const stale = items.find(({ id }) => message.includes(id))
  const who = stale ? `${stale.employee_id}, ${rangeOf(stale)}, ${stale.stage}` : 'a day'
  return `Something of ${who} was edited, or taken over by somebody else, since this was listed. Nothing of this choice was taken over. Look again, at the new numbers, and choose anew.`
}
