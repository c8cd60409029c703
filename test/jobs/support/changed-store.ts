import type { RecalcBackend } from 'recalc-service'
import type { JobStore } from 'recalc-service/backend'

const METHODS = [
  'create',
  'claim',
  'requeue',
  'listWaiting',
  'renew',
  'get',
  'list',
  'listAbandoned',
  'events',
  'failures',
  'failuresOf',
  'checkpoint',
  'employeeIds',
  'watch',
  'requestCancel',
  'requestPause',
  'openLanes',
  'splitLane',
  'saveStep',
  'append',
] as const

/** A backend on the same jobs, some of whose store's methods do something else; `change` is given the real ones. */
export function changedStore<Tx, Backend extends RecalcBackend<Tx>>(
  backend: Backend & RecalcBackend<Tx>,
  change: (whole: JobStore<Tx>) => Partial<JobStore<Tx>>,
): Backend {
  const { jobs } = backend
  const bound = () =>
    Object.fromEntries(METHODS.map((name) => [name, jobs[name].bind(jobs)])) as unknown as JobStore<Tx>
  return { ...backend, jobs: Object.assign(bound(), change(bound())) }
}
