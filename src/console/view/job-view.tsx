import { useEffect, useRef, useState } from 'preact/hooks'
import { GridCard, type GridHandle } from '../grid/grid-card.tsx'
import { formatPercent } from '../model/format.ts'
import { hasEnded, isResumable, STATUSES } from '../model/job-status.ts'
import { explanation, progressText } from '../model/job-text.ts'
import { hashOf } from '../model/route.ts'
import { may } from '../model/state.ts'
import type { Connection } from '../model/watched-job.ts'
import type { Job } from '../net/api-types.ts'
import { problemOf } from '../net/problem.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'
import { FailureList } from './failure-list.tsx'
import { JobFacts, Stages, Tiles } from './job-numbers.tsx'
import { Badge, Button, Field, Notice } from './parts.tsx'
import type { JobProps } from './screen.ts'

const CONNECTIONS: Readonly<Record<Connection, string>> = {
  connecting: 'Connecting…',
  live: 'Live',
  reconnecting: 'Reconnecting…',
  ended: '',
  'given-up': 'Not connected',
}

/** The job that is looked at. */
export function JobView({ watched, ...props }: Omit<JobProps, 'job'>) {
  const { job, problem } = watched
  return (
    <section class="pane stack" aria-labelledby="job-title">
      <Notice bad text={problem} />
      {job ? <ShownJob {...props} watched={watched} job={job} /> : !problem && <p class="muted">Reading…</p>}
    </section>
  )
}

function ShownJob(props: JobProps) {
  const { watched, job } = props
  const { retry } = watched
  const grid = useRef<GridHandle>(null)
  const { main, more } = progressText(job)
  const why = explanation(job)
  useTitle(job)
  return (
    <>
      <Head {...props} />
      {why && (
        <section id="why" class={`notice ${job.status === 'failed' ? 'bad' : job.status}`}>
          <h3>{why.title}</h3>
          <p>{why.text}</p>
        </section>
      )}
      <div class={job.status}>
        <progress id="job-progress" class="overall" max={1} value={job.progress} aria-label="Progress of the job" />
        <p class="row">
          {main && <strong>{main}</strong>} <span id="job-days">{more}</span>
        </p>
      </div>
      <Tiles watched={watched} job={job} />
      <Notice
        text={
          retry && `${retry.stage} is tried again after try ${retry.attempt} failed: ${retry.message} (${retry.code})`
        }
      />
      <Stages job={job} />
      <GridCard {...props} handle={grid} />
      <FailureList {...props} reveal={(employeeId, date) => void grid.current?.reveal(employeeId, date)} />
      <JobFacts job={job} />
    </>
  )
}

/** The job's name and status, and what can be done about it. */
function Head({ app, state, watched: { connection }, job }: JobProps) {
  const [problem, setProblem] = useState<string | null>(null)
  const [asking, setAsking] = useState(false)
  const title = useRef<HTMLHeadingElement>(null)
  const reason = useRef<HTMLInputElement>(null)
  // Whoever came here for the job has waited above it.
  useEffect(() => {
    if (document.activeElement?.matches('main, body')) title.current?.focus()
  }, [])
  const act = async (work: Promise<void>) => {
    setProblem(null)
    await work.catch((error) => setProblem(problemOf(error).message))
  }
  const ended = hasEnded(job.status)
  const cancelling = job.cancel_requested && !ended
  const pausing = job.pause_requested && !ended
  return (
    <>
      <header class="row">
        <div class="grow">
          <h2 id="job-title" tabIndex={-1} ref={title}>
            {job.tenant_id}, <span class="nowrap">{job.start_date}</span>
            {job.end_date !== job.start_date && [' – ', <span class="nowrap">{job.end_date}</span>]}
          </h2>
          {job.reason && (
            <p class="muted" id="job-reason">
              {job.reason}
            </p>
          )}
          <p class="row">
            <Badge
              id="job-status"
              status={job.status}
              text={cancelling ? 'Cancelling…' : pausing ? 'Pausing…' : null}
            />
            <span class="muted connection" id="job-connection" data-connection={connection}>
              {CONNECTIONS[connection]}
            </span>
            <Button
              class="quiet small"
              hidden={connection !== 'reconnecting'}
              onClick={() => app.tryNow()}
              text="Try now"
            />
          </p>
        </div>
        {may(state, 'start') && (
          <a class="button" href={hashOf({ screen: 'start', like: job.job_id })}>
            Start again with these settings
          </a>
        )}
        <Button
          hidden={!isResumable(job.status) || !may(state, 'resume')}
          onClick={() => act(app.resume(job.job_id))}
          text="Resume"
        />
        <Button
          id="pause-button"
          hidden={ended || cancelling || pausing || !may(state, 'pause')}
          onClick={() => act(app.pause(job.job_id))}
          text="Pause"
        />
        <Button
          class="danger"
          id="cancel-button"
          hidden={ended || cancelling || !may(state, 'cancel')}
          onClick={() => setAsking(true)}
          text="Cancel job"
        />
      </header>
      <Notice bad text={problem} />
      {asking && (
        <ConfirmDialog
          title="Cancel this job?"
          confirm="Cancel the job"
          keep="Keep it running"
          danger
          close={() => setAsking(false)}
          confirmed={() => act(app.cancel(job.job_id, reason.current?.value.trim() ?? ''))}
        >
          <p>Days in progress are finished, no others are begun. What is done stays done; the job can be resumed.</p>
          <Field id="cancel-reason" label="Reason" hint="(optional)">
            <input id="cancel-reason" ref={reason} autocomplete="off" maxLength={1_000} />
          </Field>
        </ConfirmDialog>
      )}
    </>
  )
}

function useTitle({ status, progress, tenant_id: tenant }: Job): void {
  useEffect(() => {
    const what = hasEnded(status) ? STATUSES[status].label : formatPercent(progress)
    document.title = `${what} · ${tenant} · Recalculation`
    return () => {
      document.title = 'Recalculation'
    }
  }, [status, progress, tenant])
}
