import { useState } from 'preact/hooks'
import { formatCount, formatDuration, formatPlural } from '../../model/format.ts'
import { hashOf } from '../../model/route.ts'
import { may } from '../../model/state.ts'
import type { DirtyChange, Freshness } from '../../net/api-types.ts'
import { problemOf } from '../../net/problem.ts'
import { Button, Notice, Pager } from '../parts.tsx'
import { Preview } from '../preview.tsx'
import type { Screen, ViewProps } from '../screen.ts'
import { Instant, type Row, Table, Whole } from '../table.tsx'
import { usePolled, usePolledPages } from '../use-polled.ts'

/** How fresh the derived rows are, tenant by tenant, and what keeps them from it. */
export const freshnessScreen: Screen = { name: 'freshness', label: 'Freshness', needs: ['read'], View: FreshnessView }

function FreshnessView(props: ViewProps) {
  const { app, state } = props
  const { answer, problem, look } = usePolled('', (asked) => app.api.freshness({}, asked))
  const [refusal, setRefusal] = useState<string | null>(null)
  const [done, setDone] = useState<string | null>(null)
  /** Whose held changes are previewed. */
  const [previewed, setPreviewed] = useState<string | null>(null)
  const act = async (work: Promise<string>) => {
    setRefusal(null)
    setDone(null)
    await work.then(setDone, (error) => setRefusal(problemOf(error).message))
    await look()
  }
  const tenants = answer?.tenants ?? []
  const { id } = state.route
  return (
    <section class="pane screen wide stack" aria-labelledby="freshness-title">
      <h2 id="freshness-title" tabIndex={-1}>
        Freshness
      </h2>
      <Notice bad text={problem ?? refusal} />
      <p role="status" class="muted">
        {done ?? (!answer ? 'Reading…' : tenants.every(({ changes }) => changes === 0) && 'Everything is fresh.')}
      </p>
      {tenants.length > 0 && (
        <div class="card">
          <Table
            caption="Tenants"
            heads={['Tenant', 'Employees', 'Changes', 'Oldest', 'Failing', 'Held', '(Actions)']}
            rows={tenants.map((tenant) => tenantRow(props, tenant, act, setPreviewed))}
          />
        </div>
      )}
      {answer?.more && <p class="muted">There are more tenants than these.</p>}
      {previewed !== null && (
        <Preview
          key={previewed}
          app={app}
          title={`What the held changes of ${previewed} would do`}
          request={{ held: true, tenant_id: previewed }}
        />
      )}
      {id !== null && <Changes key={id} {...props} tenantId={id} />}
    </section>
  )
}

function tenantRow(
  { app, state }: ViewProps,
  tenant: Freshness,
  act: (work: Promise<string>) => Promise<void>,
  preview: (tenantId: string) => void,
): Row {
  const { tenant_id: id, dirty_employees, changes, oldest_at, failing, held } = tenant
  const settle = async () => {
    const done = await app.api.settle(id)
    if (!done.settled) return `${id}: there is more to do; settle it again, or leave it to the service.`
    const failed = [...(done.failed > 0 ? [formatCount(done.failed)] : []), ...done.failed_stages]
    return `${id}: ${formatPlural(done.days, 'day')} calculated${failed.length > 0 ? `, failed: ${failed.join(', ')}` : ''}.`
  }
  const release = async () => `${id}: ${formatPlural((await app.api.release(id)).released, 'change')} looked at again.`
  const cells = [
    <a href={hashOf({ screen: 'freshness', id })} aria-current={state.route.id === id ? 'true' : undefined}>
      {id}
    </a>,
    formatCount(dirty_employees),
    formatCount(changes),
    oldest_at ? formatDuration((Date.now() - Date.parse(oldest_at)) / 1_000) : '–',
    failing > 0 ? <span class="badge failed">{formatCount(failing)}</span> : '0',
    formatCount(held),
    <span class="row">
      {may(state, 'settle') && (
        <Button
          class="small"
          off={changes === 0}
          aria-label={`Settle now, ${id}`}
          onClick={() => act(settle())}
          text="Settle now"
        />
      )}
      {may(state, 'preview') && held > 0 && (
        <Button class="quiet small" aria-label={`Preview, ${id}`} onClick={() => preview(id)} text="Preview" />
      )}
      {may(state, 'release') && held > 0 && (
        <Button class="quiet small" aria-label={`Release, ${id}`} onClick={() => act(release())} text="Release" />
      )}
    </span>,
  ]
  return { key: id, cells }
}

/** What is not settled of a tenant, in the order of the notes. */
function Changes({ app, tenantId }: ViewProps & { tenantId: string }) {
  const { answer, problem, pager } = usePolledPages(tenantId, (after: number | null, asked) =>
    app.api.dirty({ tenant_id: tenantId, after, limit: 50 }, asked),
  )
  const { changes = [] } = answer ?? {}
  return (
    <section class="card stack" aria-labelledby="changes-title">
      <h3 id="changes-title">Changes of {tenantId}</h3>
      <Notice bad text={problem} />
      {answer && changes.length === 0 && <p class="muted">There are none.</p>}
      {changes.length > 0 && (
        <Table
          caption="Changes"
          heads={['Employee', 'State', 'What', 'Days', 'Since', 'Next look', 'Error']}
          rows={changes.map(changeRow)}
        />
      )}
      <Pager label="Pages of changes" {...pager} />
    </section>
  )
}

function changeRow(change: DirtyChange): Row {
  const { employee_id: id, state, table, stage, at, start_date: from, end_date: to, attempts, code, message } = change
  const days = from === null && to === null ? 'all' : from === to ? from : `${from ?? '…'} – ${to ?? '…'}`
  const cells = [
    id ?? 'Everybody',
    <Whole>
      <span class={state === 'failing' ? 'badge failed' : 'badge'}>{state}</span>
      {attempts > 1 && ` (${formatCount(attempts)} times)`}
    </Whole>,
    table ?? stage ?? 'days',
    at.length > 0 ? at.map((instant) => <Instant key={instant} at={instant} />) : <Whole>{days}</Whole>,
    <Instant at={change.noted_at} />,
    change.due_at ? <Instant at={change.due_at} /> : 'now',
    message && <span class="message">{`${message} (${code})`}</span>,
  ]
  return { key: change.id, cells }
}
