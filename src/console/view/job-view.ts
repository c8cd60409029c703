import { datesBetween } from '../grid/calendar.ts'
import type { GridView } from '../grid/grid-view.ts'
import type { Action, State } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import type { WatchedJob } from '../model/watched-job.ts'
import type { Job } from '../net/api-types.ts'
import { problemOf } from '../net/problem.ts'
import { mountCancelDialog } from './cancel-dialog.ts'
import { byId, setNotice, whileBusy } from './dom.ts'
import { showFacts } from './job-facts.ts'
import { showJobHead, showTiles } from './job-head.ts'
import { showStages } from './stage-list.ts'

export interface JobActions {
  cancel(jobId: string, reason: string): Promise<void>
  resume(jobId: string): Promise<void>
  reconnect(): void
}

/** The job that is looked at: its head, its stages, its grid. */
export function mountJob(store: Store<State, Action>, grid: GridView, actions: JobActions): void {
  const cancelButton = byId('cancel-button', HTMLButtonElement)
  const resumeButton = byId('resume-button', HTMLButtonElement)
  const problem = byId('action-problem', HTMLElement)
  const act = (button: HTMLButtonElement, work: (jobId: string) => Promise<void>) => {
    const id = store.state.watched?.id
    if (id === undefined) return
    setNotice(problem, null)
    void whileBusy(button, async () => {
      try {
        await work(id)
      } catch (error) {
        setNotice(problem, problemOf(error).message)
      }
    })
  }
  const askToCancel = mountCancelDialog((reason) => act(cancelButton, (id) => actions.cancel(id, reason)))
  cancelButton.addEventListener('click', askToCancel)
  resumeButton.addEventListener('click', () => act(resumeButton, actions.resume))
  byId('reconnect', HTMLButtonElement).addEventListener('click', actions.reconnect)

  store.subscribe((state, before) => {
    const { watched } = state
    if (watched === before?.watched && state.access === before?.access) return
    if (watched?.id !== before?.watched?.id) {
      setNotice(problem, null)
      document.title = 'Recalculation'
    }
    const job = watched?.job ?? null
    byId('job-body', HTMLElement).hidden = job === null
    setNotice(byId('job-problem', HTMLElement), watched?.problem ?? null)
    const focused = document.activeElement
    if (watched && job) showAll(state, watched, job)
    grid.show(watched && job ? subjectOf(watched, job) : null)
    // A button that is gone must not take the focus with it, and who came here for the job is led to it.
    const arrived = job !== null && job.job_id !== before?.watched?.job?.job_id && focused === byId('main', HTMLElement)
    const gone = focused instanceof HTMLButtonElement && focused.hidden
    if (arrived || gone) byId('job-title', HTMLElement).focus()
  })
  setInterval(() => {
    const { watched } = store.state
    if (watched?.job?.status === 'running') showTiles(watched, watched.job, performance.now())
  }, 1_000)
}

function showAll(state: State, watched: WatchedJob, job: Job): void {
  showJobHead(state, watched, job)
  showTiles(watched, job, performance.now())
  showStages(job)
  showFacts(job)
}

function subjectOf({ id, version }: WatchedJob, job: Job) {
  const days = datesBetween(job.start_date, job.end_date).length
  const employees = Math.round(job.total_days / Math.max(1, days))
  return { jobId: id, from: job.start_date, to: job.end_date, employees, version }
}
