import { formatCount, formatDuration, formatInstant, formatPercent } from '../model/format.ts'
import { hasEnded, STATUSES } from '../model/job-status.ts'
import { kindText, rangeOf, timesOf } from '../model/job-text.ts'
import { hashOf } from '../model/route.ts'
import type { Job } from '../net/api-types.ts'
import { Badge, Button, Field, Notice, Pager, submitting, Tenants } from './parts.tsx'
import type { ViewProps } from './screen.ts'

/** The jobs, latest first, with what narrows them down. */
export function JobList({ app, state: { jobs, filter, watched, access } }: ViewProps) {
  const none = filter.status === '' && filter.tenantId === '' ? 'No jobs yet.' : 'No such jobs.'
  return (
    <section class="pane list stack" aria-labelledby="jobs-title">
      <div class="row">
        <h2 id="jobs-title" class="grow" tabIndex={-1}>
          Jobs
        </h2>
        <Button class="quiet small" onClick={() => app.jobs.refresh(true)} text="Refresh" />
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
      <Notice text={jobs.status === 'failed' ? jobs.problem : null} />
      <ol id="jobs-list">
        {jobs.items.map((job) => (
          <JobItem key={job.job_id} job={job} current={job.job_id === watched?.id} />
        ))}
      </ol>
      {jobs.status === 'read' && jobs.items.length === 0 && <p class="muted">{none}</p>}
      <Pager
        label="Pages of jobs"
        position={`Page ${jobs.trail.length}`}
        previous={jobs.trail.length > 1 ? () => app.jobs.previous() : null}
        next={jobs.next === null ? null : () => app.jobs.next()}
      />
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
