import { formatInstant, formatPercent } from '../model/format.ts'
import { STATUS_LABELS } from '../model/job-status.ts'
import { hashOf } from '../model/route.ts'
import type { Action, JobFilter, State } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import type { Job } from '../net/api-types.ts'
import { showBadge } from './badge.ts'
import { byId, make, setNotice, setText } from './dom.ts'
import { mountPager, type PagerActions } from './pager.ts'

/** The jobs, latest first, with what narrows them down. */
export function mountJobList(
  store: Store<State, Action>,
  actions: PagerActions & { filter(filter: JobFilter): void },
): void {
  const list = byId('jobs-list', HTMLElement)
  const showPager = mountPager(byId('jobs-pager', HTMLElement), actions)
  const status = byId('filter-status', HTMLSelectElement)
  const tenant = byId('filter-tenant', HTMLInputElement)
  const filter = () => actions.filter({ status: status.value, tenantId: tenant.value.trim() })
  status.addEventListener('change', filter)
  tenant.addEventListener('change', filter)
  byId('filter', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    filter()
  })

  store.subscribe((state, before) => {
    const { jobs, watched } = state
    if (state.access !== before?.access) offerTenants(state)
    if (jobs === before?.jobs && watched?.id === before.watched?.id) return
    if (state.filter !== before?.filter) {
      status.value = state.filter.status
      tenant.value = state.filter.tenantId
    }
    showJobs(list, jobs.items, watched?.id ?? null)
    showPager(jobs)
    setNotice(byId('jobs-problem', HTMLElement), jobs.status === 'failed' ? jobs.problem : null)
    const none = jobs.status === 'read' && jobs.items.length === 0
    const filtered = state.filter.status !== '' || state.filter.tenantId !== ''
    setNotice(byId('jobs-empty', HTMLElement), none ? (filtered ? 'No such jobs.' : 'No jobs yet.') : null)
  })
}

/** Known tenants are offered wherever one is typed in. */
function offerTenants({ access }: State): void {
  const tenants = access.name === 'open' && access.me.tenants !== '*' ? access.me.tenants : []
  const options = tenants.map((tenant) => {
    const option = make('option')
    option.value = tenant
    return option
  })
  byId('tenants', HTMLDataListElement).replaceChildren(...options)
}

/** Items are kept by their job, so that a refresh moves neither the focus nor what is being read. */
function showJobs(list: HTMLElement, jobs: readonly Job[], watchedId: string | null): void {
  const known = new Map<string | undefined, HTMLElement>()
  for (const item of list.children) if (item instanceof HTMLElement) known.set(item.dataset.job, item)
  const items = jobs.map((job) => known.get(job.job_id) ?? newItem(job.job_id))
  for (const [index, item] of items.entries()) {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null)
  }
  while (list.children.length > items.length) list.lastElementChild?.remove()
  for (const [index, job] of jobs.entries()) showJob(items[index] as HTMLElement, job, job.job_id === watchedId)
}

function newItem(jobId: string): HTMLElement {
  const link = make('a', { className: 'job-link' }, [
    make('span', { className: 'job-tenant' }),
    make('span', { className: 'badge' }),
    make('span', { className: 'job-range' }),
    make('span', { className: 'job-when' }),
  ])
  link.href = hashOf({ name: 'job', jobId })
  const item = make('li', {}, [link])
  item.dataset.job = jobId
  return item
}

function showJob(item: HTMLElement, job: Job, watched: boolean): void {
  const link = item.firstElementChild as HTMLElement
  const [tenant, badge, range, when] = link.children as unknown as HTMLElement[]
  if (!tenant || !badge || !range || !when) return
  link.ariaCurrent = watched ? 'true' : null
  setText(tenant, job.tenant_id)
  showBadge(
    badge,
    job.status,
    job.status === 'running' ? `${STATUS_LABELS.running} ${formatPercent(job.progress)}` : null,
  )
  setText(range, rangeOf(job))
  setText(when, formatInstant(job.created_at))
}

/** `2025-03-01 – 2025-03-31`, or the one day. */
export function rangeOf({ start_date, end_date }: Pick<Job, 'start_date' | 'end_date'>): string {
  return start_date === end_date ? start_date : `${start_date} – ${end_date}`
}
