import { addDays, countDays, type DateInterval } from '../calendar/date-range.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import { JobNotFoundError } from '../errors.ts'
import type { StageShape } from '../pipeline/stage-shape.ts'
import type { Checkpoint, RecordedFailure } from '../run/checkpoint.ts'
import { employeePages } from '../run/plan/employee-pages.ts'
import type { Employee, EmployeeRepository } from '../run/plan/host-contracts.ts'
import type { ClosedDays } from './closed-days.ts'
import { countDispatched, readOnce } from './dispatched.ts'
import type { JobRecord } from './job-record.ts'
import type { JobStore } from './job-store.ts'

/** One of a job's employees, and how far the job is with them. */
export interface JobEmployee {
  /** The employee's id. */
  readonly id: string
  /** As the employee repository has it; `null` when it has none, and in a job that names its employees by their ids. */
  readonly name: string | null
  /** How many of the job's dates, from the first, are dealt with: brought up to date, closed, failed or blocked. */
  readonly datesDone: number
  /** Days that failed and were left as they were, ascending by date: at most one for each date. Periods are not among them. */
  readonly failures: readonly RecordedFailure[]
  /** This date and all later ones wait behind a failed day. */
  readonly blockedFrom: IsoDate | null
  /**
   * The job's dates that are closed by now, in a job that has left closed days alone; in others none. `null` when the host's
   * `closedPeriods` could not be asked.
   */
  readonly closed: readonly DateInterval[] | null
}

/** What is read besides the job itself. */
export interface JobEmployeeSources {
  readonly jobs: Pick<JobStore<never>, 'checkpoint' | 'employeeIds' | 'failuresOf'>
  readonly employees: EmployeeRepository
  readonly closedDays: ClosedDays
}

/**
 * A page of a job's employees, in the job's order.
 *
 * The page is read first, then the checkpoint, then the failures: what changes in between makes a day look as if it were
 * still to be done, never done when it is not.
 *
 * @throws {JobNotFoundError} when the job has been forgotten meanwhile.
 */
export async function listEmployeesOf(
  { id: jobId, plan, counters }: JobRecord,
  page: { readonly after: string | null; readonly limit: number },
  { jobs, employees: repository, closedDays }: JobEmployeeSources,
): Promise<readonly JobEmployee[]> {
  if (!hasDays(plan)) return []
  const everybody = plan.kind === 'all'
  const employees: readonly Employee[] = everybody
    ? await listed(repository, plan, page)
    : (await jobs.employeeIds(jobId, page)).map((id) => ({ id }))
  if (employees.length === 0) return []
  const checkpoint = await jobs.checkpoint(jobId)
  if (!checkpoint) throw new JobNotFoundError(jobId)
  const ids = employees.map(({ id }) => id)
  const dispatched = everybody
    ? await countDispatched(employees, { checkpoint, repository, plan, after: page.after })
    : ids.filter((id) => isDispatched(id, checkpoint)).length
  const failuresOf = groupedByEmployee(await jobs.failuresOf(jobId, ids))
  const datesInLanes = datesDoneInLanes(checkpoint)
  const { tenantId, from, to } = plan
  const closed = counters.skippedDays > 0 ? await closedDays({ tenantId, employeeIds: ids, from, to }) : noneClosed
  const dates = countDays(from, to)
  return employees.map(({ id, name = null }, i) => {
    const failures = failuresOf.get(id) ?? []
    const datesDone = datesInLanes.get(id) ?? (i < dispatched ? dates : 0)
    const closedOfOne = closed ? (closed.get(id) ?? []) : null
    return { id, name, datesDone, failures, blockedFrom: blockedFromOf(failures), closed: closedOfOne }
  })
}

const noneClosed: ReadonlyMap<string, readonly DateInterval[]> = new Map()

/** For employees whom the job names: their order is JavaScript's. */
function isDispatched(id: string, { dispatchedThrough, allDispatched }: Checkpoint): boolean {
  return allDispatched || (dispatchedThrough !== null && id <= dispatchedThrough)
}

async function listed(
  repository: EmployeeRepository,
  plan: JobRecord['plan'],
  page: { readonly after: string | null; readonly limit: number },
): Promise<readonly Employee[]> {
  const employees: Employee[] = []
  // The host may give fewer than it was asked for; a page that is not full is the last one.
  for await (const some of employeePages(repository, plan, { ...page, read: readOnce })) {
    employees.push(...some.slice(0, page.limit - employees.length))
    if (employees.length === page.limit) break
  }
  return employees
}

/** In lanes that repair days everything is dealt with already. */
function datesDoneInLanes({ openLanes }: Checkpoint): ReadonlyMap<string, number> {
  const initial = openLanes.filter(({ kind }) => kind === 'initial')
  return new Map(initial.flatMap(({ employeeIds, datesDone }) => employeeIds.map((id) => [id, datesDone] as const)))
}

function groupedByEmployee(failures: readonly RecordedFailure[]): ReadonlyMap<string, readonly RecordedFailure[]> {
  const groups = new Map<string, RecordedFailure[]>()
  for (const failure of failures) {
    if (failure.employeeId === null || failure.period) continue
    const group = groups.get(failure.employeeId)
    if (group) group.push(failure)
    else groups.set(failure.employeeId, [failure])
  }
  for (const group of groups.values()) group.sort((a, b) => ((a.date ?? '') < (b.date ?? '') ? -1 : 1))
  return groups
}

/** The first day that waits behind a failed one. */
function blockedFromOf(failures: readonly RecordedFailure[]): IsoDate | null {
  const blocking = failures.find(({ date, through }) => date !== null && through !== null && date < through)
  return blocking?.date ? addDays(blocking.date, 1) : null
}

/** Kinds of stages that run once, whoever the employees are. */
const WITHOUT_DAYS: readonly StageShape['kind'][] = ['tenant']

function hasDays({ stages }: JobRecord['plan']): boolean {
  return stages.some(({ kind }) => !WITHOUT_DAYS.includes(kind))
}
