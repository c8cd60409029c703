import { formatInstant } from '../model/format.ts'
import type { Job } from '../net/api-types.ts'
import { byId, make, setText } from './dom.ts'

/** What is good to know of a job, and seldom changes. */
export function showFacts(job: Job): void {
  const facts: [string, string | null][] = [
    ['Job', job.job_id],
    ['Tenant', job.tenant_id],
    ['Kind', job.kind],
    ['Asked for', formatInstant(job.created_at)],
    ['Started', job.started_at && formatInstant(job.started_at)],
    ['Ended', job.finished_at && formatInstant(job.finished_at)],
    ['Runs', String(job.runs)],
  ]
  const list = byId('job-facts', HTMLElement)
  for (const [index, [name, value]] of facts.entries()) {
    const fact = list.children[index] ?? list.appendChild(make('div', {}, [make('dt', { text: name }), make('dd')]))
    if (fact.lastElementChild) setText(fact.lastElementChild, value ?? '–')
  }
}
