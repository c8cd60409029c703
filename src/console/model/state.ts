import type { Me, Permission } from '../net/api-types.ts'
import { type Failures, type FailuresAction, noFailures, reduceFailures } from './failures.ts'
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
  readonly watched: WatchedJob | null
  readonly failures: Failures
}

export type Action =
  | { readonly type: 'access'; readonly access: Access }
  | { readonly type: 'routed'; readonly route: Route }
  | { readonly type: 'filtered'; readonly filter: JobFilter }
  | { readonly type: 'failures'; readonly jobId: string; readonly action: FailuresAction }
  | { readonly type: 'watched'; readonly jobId: string; readonly action: WatchAction }

export const initialState: State = {
  access: { name: 'checking', problem: null },
  route: START,
  filter: { tenantId: '', status: '' },
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
      return { ...state, filter: action.filter }
    case 'failures':
      if (state.watched?.id !== action.jobId) return state
      return { ...state, failures: reduceFailures(state.failures, action.action) }
    case 'watched':
      if (state.watched?.id !== action.jobId) return state
      return { ...state, watched: reduceWatched(state.watched, action.action) }
  }
}

function routed(state: State, route: Route): State {
  const jobId = route.screen === 'jobs' ? route.id : null
  if (state.watched?.id === jobId) return { ...state, route }
  return { ...state, route, watched: jobId === null ? null : unknownJob(jobId), failures: noFailures }
}
