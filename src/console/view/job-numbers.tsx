import { useState } from 'preact/hooks'
import { formatCount, formatDuration, formatInstant, formatPercent, formatRate } from '../model/format.ts'
import { hasEnded } from '../model/job-status.ts'
import { kindText, shareOf, timesOf } from '../model/job-text.ts'
import { rateOf } from '../model/rate.ts'
import { daysDone, type WatchedJob } from '../model/watched-job.ts'
import type { Job, JobStage } from '../net/api-types.ts'
import { Button, Pairs, useNow } from './parts.tsx'

const MARKS: Readonly<Record<JobStage['status'], string>> = { waiting: '○', running: '▶', done: '✓', stopped: '■' }

/** The numbers. Times go on by themselves between two reports. */
export function Tiles({ watched, job }: { watched: WatchedJob; job: Job }) {
  const running = job.status === 'running'
  const now = useNow(running)
  const since = running ? Math.max(0, now - watched.knownAtMs) / 1_000 : 0
  const rate = running ? rateOf(watched.samples) : rateOfRun(job)
  const { run, total } = timesOf(job, since, Date.now())
  const remaining = running && job.remaining_seconds !== null ? job.remaining_seconds - since : 0
  const time = (seconds: number | null) => (seconds === null ? '–' : formatDuration(seconds))
  const runName = total === null ? 'Elapsed' : running ? 'This run' : 'Last run'
  const pairs: [string, string][] = [
    ['Done', formatCount(job.processed_days)],
    ['of these unchanged', formatCount(job.unchanged_days)],
    ['Closed', formatCount(job.skipped_days)],
    ['Failed, blocked', formatCount(job.failed_days)],
    ['Days/s', rate === null ? '–' : formatRate(rate)],
    [runName, time(run)],
    ...(total === null ? [] : [['Since first start', time(total)] satisfies [string, string]]),
    ['Remaining', remaining > 0 ? formatDuration(remaining) : '–'],
  ]
  return <Pairs class="card tiles" id="job-tiles" pairs={pairs} />
}

/** What a job that ended in one go came to; the time of several runs says nothing about all their days. */
function rateOfRun(job: Job): number | null {
  if (job.runs !== 1 || !job.elapsed_seconds || !hasEnded(job.status)) return null
  return daysDone(job) / job.elapsed_seconds
}

/** The stages in their order. */
export function Stages({ job }: { job: Job }) {
  return (
    <section aria-labelledby="stages-title" class="card">
      <h3 id="stages-title">Stages</h3>
      <ol class="stages stack">
        {job.stages.map((stage) => {
          const share = shareOf(job, stage)
          return (
            <li key={stage.number} class={stage.status}>
              <span class="mark" aria-hidden="true">
                {MARKS[stage.status]}
              </span>
              <span>{stage.title}</span>
              <progress aria-label={`${stage.title}: progress`} max={1} value={share ?? undefined} />
              <span class="muted nowrap">
                {stage.status}
                {share !== null && share > 0 && share < 1 && `, ${formatPercent(share)}`}
              </span>
            </li>
          )
        })}
      </ol>
    </section>
  )
}

/** What is good to know of a job, and seldom changes. */
export function JobFacts({ job }: { job: Job }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await copyText(job.job_id)
    setCopied(true)
  }
  return (
    <section class="card" aria-labelledby="about-title">
      <div class="row">
        <h3 id="about-title" class="grow">
          About this job
        </h3>
        <Button class="quiet small" onClick={copy} text={copied ? 'Copied' : 'Copy id'} />
      </div>
      <Pairs
        class="facts"
        pairs={[
          ['Job', <code>{job.job_id}</code>],
          ['Who', kindText(job.kind)],
          ['Runs', String(job.runs)],
          ['Asked for', formatInstant(job.created_at)],
          ['Started', job.started_at && formatInstant(job.started_at)],
          ['Ended', job.finished_at && formatInstant(job.finished_at)],
        ]}
      />
    </section>
  )
}

/** Pages of plain http hosts have no clipboard of their own, but may copy what is selected. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return await navigator.clipboard.writeText(text)
  const focused = document.activeElement
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
}
