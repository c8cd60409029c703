import { formatPercent } from '../model/format.ts'
import { daysDone } from '../model/watched-job.ts'
import type { Job, JobStage } from '../net/api-types.ts'
import { byId, make, setText } from './dom.ts'

const MARKS: Readonly<Record<JobStage['status'], string>> = { waiting: '○', running: '▶', done: '✓', stopped: '■' }

/**
 * The stages in their order. The first goes through the employee-days, which tell how far it is; those after it run once
 * each, and are either done or not.
 */
export function showStages(job: Job): void {
  const list = byId('job-stages', HTMLElement)
  while (list.children.length > job.stages.length) list.lastElementChild?.remove()
  for (const [index, stage] of job.stages.entries()) {
    const item = list.children[index] ?? list.appendChild(newItem())
    showStage(item, job, stage)
  }
}

function newItem(): HTMLElement {
  const mark = make('span', { className: 'mark' })
  mark.ariaHidden = 'true'
  const bar = make('progress')
  return make('li', {}, [
    mark,
    make('span', { className: 'stage-title' }),
    bar,
    make('span', { className: 'stage-text' }),
  ])
}

function showStage(item: Element, job: Job, stage: JobStage): void {
  const [mark, title, bar, text] = item.children
  if (!mark || !title || !(bar instanceof HTMLProgressElement) || !text) return
  item.className = stage.status
  setText(mark, MARKS[stage.status])
  setText(title, stage.title)
  const share = shareOf(job, stage)
  bar.ariaLabel = `${stage.title}: progress`
  if (share === null) bar.removeAttribute('value')
  else bar.value = share
  const percent = share !== null && share > 0 && share < 1 ? `, ${formatPercent(share)}` : ''
  setText(text, stage.status + percent)
}

/** 0..1; `null`: nobody knows. */
function shareOf(job: Job, { number, status }: JobStage): number | null {
  if (status === 'done') return 1
  if (number === 1) return job.total_days === 0 ? 0 : daysDone(job) / job.total_days
  return status === 'running' ? null : 0
}
