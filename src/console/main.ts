import { checkAccess, lock } from './control/access.ts'
import { JobWatch } from './control/job-watch.ts'
import { PageReader } from './control/page-reader.ts'
import { throttle } from './control/throttle.ts'
import { GridView } from './grid/grid-view.ts'
import { routeOf } from './model/route.ts'
import { type Action, initialState, reduce, type State } from './model/state.ts'
import { createStore } from './model/store.ts'
import { Api } from './net/api.ts'
import type { Failure, Job } from './net/api-types.ts'
import { sessionKey } from './net/session-key.ts'
import { mountAccess } from './view/access-view.ts'
import { mountAnnouncer } from './view/announcer.ts'
import { byId } from './view/dom.ts'
import { mountFailures } from './view/failure-list.ts'
import { mountJobList } from './view/job-list-view.ts'
import { mountJob } from './view/job-view.ts'
import { mountRoute } from './view/route-view.ts'
import { StartForm } from './view/start-form.ts'

const JOBS_PER_PAGE = 25
const FAILURES_PER_PAGE = 20

/** How often the list of jobs looks for new ones. */
const LIST_REFRESH_MS = 10_000

/** The least time between two looks at the failures of a job that runs. */
const FAILURES_REFRESH_MS = 1_000

// The page is served at the path that the API lies under, wherever a host has mounted it.
const base = location.pathname.replace(/\/+$/, '')
const store = createStore<State, Action>(reduce, initialState)
const api = new Api(base, sessionKey.read, () => {
  if (store.state.access.name === 'open') lock(store, 'The server does not accept this key any more.')
})
const watch = new JobWatch(api, store)

const jobs = new PageReader<Job, string>({
  current: () => store.state.jobs,
  async read(after) {
    const { tenantId, status } = store.state.filter
    const page = await api.jobs({ tenant_id: tenantId, status, after, limit: JOBS_PER_PAGE })
    return { items: page.jobs, next: page.next }
  },
  dispatch: (action) => store.dispatch({ type: 'jobs', action }),
})

const failures = new PageReader<Failure, number>({
  current: () => store.state.failures,
  async read(after) {
    const { watched } = store.state
    if (!watched) return { items: [], next: null }
    const page = await api.failures(watched.id, { after, limit: FAILURES_PER_PAGE })
    return { items: page.errors, next: page.next }
  },
  dispatch(action) {
    const { watched } = store.state
    if (watched) store.dispatch({ type: 'failures', jobId: watched.id, action })
  },
})

const grid = new GridView(async (jobId, { after, limit }) => {
  const page = await api.employees(jobId, { after, limit })
  store.dispatch({ type: 'watched', jobId, action: { type: 'employees-read', employees: page.employees } })
  return page
})

mountAccess(
  store,
  async (key) => {
    sessionKey.keep(key)
    await checkAccess(api, store)
  },
  () => lock(store, null),
)
mountRoute(store)
mountJobList(store, {
  next: () => jobs.next(),
  previous: () => jobs.previous(),
  filter(filter) {
    store.dispatch({ type: 'filtered', filter })
    void jobs.first()
  },
})
new StartForm(api, store, () => void jobs.first())
mountJob(store, grid, {
  async cancel(jobId, reason) {
    await api.cancel(jobId, reason)
    await watch.reread(jobId)
  },
  async resume(jobId) {
    await api.resume(jobId)
    await watch.reread(jobId)
    watch.tryNow()
  },
  reconnect: () => watch.tryNow(),
})
mountFailures(store, {
  next: () => failures.next(),
  previous: () => failures.previous(),
  reveal: (employeeId, date) => void grid.reveal(employeeId, date),
})
mountAnnouncer(byId('announcer', HTMLElement), store)

const refreshFailures = throttle(FAILURES_REFRESH_MS, () => failures.refresh())
store.subscribe(({ watched }, before) => {
  const [job, jobBefore] = [watched?.job, before?.watched?.job]
  if (!job) return
  if (job.job_id !== jobBefore?.job_id || job.error_count !== jobBefore.error_count || job.runs !== jobBefore.runs) {
    refreshFailures()
  }
})

store.subscribe(({ access, jobs: list }, before) => {
  if (access.name !== 'open' || before?.access.name === 'open') return
  // What the address asks for could not be read before.
  follow()
  if (list.status === 'unread') void jobs.first()
})
setInterval(() => {
  const { access, jobs: list } = store.state
  const idle = document.visibilityState === 'visible' && list.status !== 'reading'
  if (access.name === 'open' && idle && list.trail.length === 1) void jobs.refresh()
}, LIST_REFRESH_MS)

function follow(): void {
  store.dispatch({ type: 'routed', route: routeOf(location.hash) })
}

window.addEventListener('hashchange', () => {
  if (store.state.access.name === 'open') follow()
})
void checkAccess(api, store)
