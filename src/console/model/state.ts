import type { Job, Me, Permission } from '../net/api-types.ts'
import { type Failures, type FailuresAction, noFailures, reduceFailures } from './failures.ts'
import { hasEnded } from './job-status.ts'
import { type Paged, type PagedAction, reducePaged, unread } from './paged.ts'
import { type Route, START } from './route.ts'
import { reduceWatched, unknownJob, type WatchAction, type WatchedJob } from './watched-job.ts'

/** Whether the server lets us in. */
type Access =
  | { readonly name: 'checking'; readonly problem: string | null }
  | { readonly name: 'locked'; readonly problem: string | null }
  | { readonly name: 'open'; readonly me: Me; readonly keyed: boolean }

export interface JobFilter {
  readonly tenantId: string
  readonly status: string
}

/** Everything that the page shows, except for what is being typed and where the grid is scrolled to. */
export interface State {
  readonly access: Access
  readonly route: Route
  readonly filter: JobFilter
  readonly jobs: Paged<Job, string>
  readonly watched: WatchedJob | null
  readonly failures: Failures
}

export type Action =
  | { readonly type: 'access'; readonly access: Access }
  | { readonly type: 'routed'; readonly route: Route }
  | { readonly type: 'filtered'; readonly filter: JobFilter }
  | { readonly type: 'jobs'; readonly action: PagedAction<Job, string> }
  | { readonly type: 'failures'; readonly jobId: string; readonly action: FailuresAction }
  | { readonly type: 'watched'; readonly jobId: string; readonly action: WatchAction }

export const initialState: State = {
  access: { name: 'checking', problem: null },
  route: START,
  filter: { tenantId: '', status: '' },
  jobs: unread(),
  watched: null,
  failures: noFailures,
}

/** Whether the caller may do this at all; for which tenants, the server says. */
export function may({ access }: State, permission: Permission): boolean {
  return access.name === 'open' && (access.me.actions === '*' || access.me.actions.includes(permission))
}

/** The tenant of those who have just one; else nobody. */
export function onlyTenant({ access }: State): string {
  const tenants = access.name === 'open' ? access.me.tenants : '*'
  return tenants !== '*' && tenants.length === 1 ? (tenants[0] ?? '') : ''
}

/** The page after something happened. */
export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'access':
      // Nothing that was read with one key is shown to another.
      return action.access.name === 'locked'
        ? { ...initialState, route: state.route, access: action.access }
        : { ...state, access: action.access }
    case 'routed':
      return routed(state, action.route)
    case 'filtered':
      return { ...state, filter: action.filter, jobs: unread() }
    case 'jobs':
      return { ...state, jobs: reducePaged(state.jobs, action.action) }
    case 'failures':
      if (state.watched?.id !== action.jobId) return state
      return { ...state, failures: reduceFailures(state.failures, action.action) }
    case 'watched': {
      if (state.watched?.id !== action.jobId) return state
      const watched = reduceWatched(state.watched, action.action)
      return { ...state, watched, jobs: withJob(state.jobs, watched.job) }
    }
  }
}

function routed(state: State, route: Route): State {
  const jobId = route.screen === 'jobs' ? route.id : null
  if (state.watched?.id === jobId) return { ...state, route }
  return { ...state, route, watched: jobId === null ? null : unknownJob(jobId), failures: noFailures }
}

/** The list knows of a job what its watcher knows. */
function withJob(jobs: Paged<Job, string>, job: Job | null): Paged<Job, string> {
  if (!job) return jobs
  const items = jobs.items.map((item) => (isNewer(job, item) ? job : item))
  return { ...jobs, items }
}

function isNewer(job: Job, item: Job): boolean {
  if (job.job_id !== item.job_id) return false
  return job.last_seq > item.last_seq || (job.last_seq === item.last_seq && hasEnded(job.status))
}
