import { formatCount, formatDuration, formatInstant, formatPercent } from '../model/format.ts'
import { hasEnded, STATUSES } from '../model/job-status.ts'
import { kindText, rangeOf, timesOf } from '../model/job-text.ts'
import { hashOf } from '../model/route.ts'
import { withNewest } from '../model/watched-job.ts'
import type { Job } from '../net/api-types.ts'
import { Badge, Button, Field, Notice, Pager, submitting, Tenants } from './parts.tsx'
import type { ViewProps } from './screen.ts'
import { usePolledPages } from './use-polled.ts'

const PER_PAGE = 25

/** How often the list looks for new ones. */
const REFRESH_MS = 10_000

/** The jobs, latest first, with what narrows them down. */
export function JobList({ app, state: { filter, watched, access } }: ViewProps) {
  const { answer, problem, look, pager } = usePolledPages(
    JSON.stringify(filter),
    (after: string | null, asked) =>
      app.api.jobs({ tenant_id: filter.tenantId, status: filter.status, after, limit: PER_PAGE }, asked),
    REFRESH_MS,
  )
  const jobs = withNewest(answer?.jobs ?? [], watched?.job ?? null)
  const none = filter.status === '' && filter.tenantId === '' ? 'No jobs yet.' : 'No such jobs.'
  return (
    <section class="pane list stack" aria-labelledby="jobs-title">
      <div class="row">
        <h2 id="jobs-title" class="grow" tabIndex={-1}>
          Jobs
        </h2>
        <Button class="quiet small" onClick={look} text="Refresh" />
      </div>
      <form class="row" aria-label="Filter jobs" onSubmit={submitting()}>
        <div class="grow">
          <Field id="filter-status" label="Status">
            <select
              id="filter-status"
              value={filter.status}
              onChange={(event) => app.filter({ ...filter, status: event.currentTarget.value })}
            >
              <option value="">Any</option>
              {Object.entries(STATUSES).map(([status, { label }]) => (
                <option value={status}>{label}</option>
              ))}
            </select>
          </Field>
        </div>
        <div class="grow">
          <Field id="filter-tenant" label="Tenant">
            <input
              id="filter-tenant"
              list="tenants"
              placeholder="Any"
              autocomplete="off"
              value={filter.tenantId}
              onChange={(event) => app.filter({ ...filter, tenantId: event.currentTarget.value.trim() })}
            />
          </Field>
        </div>
        <Tenants tenants={access.name === 'open' ? access.me.tenants : '*'} />
      </form>
      <Notice text={problem} />
      <ol id="jobs-list">
        {jobs.map((job) => (
          <JobItem key={job.job_id} job={job} current={job.job_id === watched?.id} />
        ))}
      </ol>
      {answer && jobs.length === 0 && <p class="muted">{none}</p>}
      <Pager label="Pages of jobs" {...pager} />
    </section>
  )
}

function JobItem({ job, current }: { job: Job; current: boolean }) {
  const running = job.status === 'running' ? `${STATUSES.running.label} ${formatPercent(job.progress)}` : null
  const { run, total } = timesOf(job, 0, Date.now())
  const took = hasEnded(job.status) ? (total ?? run) : null
  return (
    <li>
      <a class="job-link" href={hashOf({ screen: 'jobs', id: job.job_id })} aria-current={current ? 'true' : undefined}>
        <span class="row">
          <strong class="job-tenant">{job.tenant_id}</strong>
          <Badge status={job.status} text={running} />
        </span>
        <span class="row">
          <span>{rangeOf(job)}</span>
          {job.failed_days > 0 && <span class="badge failed small">{formatCount(job.failed_days)} failed</span>}
        </span>
        <span class="row small muted">
          <span>
            {kindText(job.kind)}
            {took !== null && ` · ${formatDuration(took)}`}
          </span>
          <span>{formatInstant(job.created_at).slice(0, 16)}</span>
        </span>
        {job.reason && <div class="small muted job-reason">{job.reason}</div>}
      </a>
    </li>
  )
}
