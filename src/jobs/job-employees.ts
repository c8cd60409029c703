import { addDays, countDays } from '../calendar/date-range.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import { JobNotFoundError } from '../errors.ts'
import type { Selection } from '../pipeline/selection.ts'
import type { Checkpoint, RecordedFailure } from '../run/checkpoint.ts'
import { employeePages } from '../run/plan/employee-pages.ts'
import type { Employee, EmployeeRepository } from '../run/plan/host-contracts.ts'
import type { RunPlan } from '../run/plan/run-plan.ts'
import { countHandedOut, readOnce } from './handed-out.ts'
import type { JobRecord } from './job-record.ts'
import type { JobStore } from './job-store.ts'

/** One of a job's employees, and how far the job is with them. */
export interface JobEmployee {
  readonly id: string
  /** As the employee repository has it; `null` when it has none, and in a job that names its employees by their ids. */
  readonly name: string | null
  /** How many of the job's dates, from the first, are dealt with: brought up to date, closed, failed or blocked. */
  readonly datesDone: number
  /** What failed and was left as it was, ascending by date: at most one for each date. */
  readonly failures: readonly RecordedFailure[]
  /** This date and all later ones wait behind a failed day. */
  readonly blockedFrom: IsoDate | null
}

/** What is read besides the job itself. */
export interface JobEmployeeSources {
  readonly jobs: Pick<JobStore<never>, 'checkpoint' | 'employeeIds' | 'failuresOf'>
  readonly employees: EmployeeRepository
  /** The stages of a frozen plan; undefined when the service no longer has one of them. */
  select(plan: Pick<RunPlan, 'stages'>): Selection<never> | undefined
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
  { id: jobId, plan }: JobRecord,
  page: { readonly after: string | null; readonly limit: number },
  { jobs, employees: repository, select }: JobEmployeeSources,
): Promise<readonly JobEmployee[]> {
  const selection = select(plan)
  if (selection && !selection.dailyCalc && selection.dayStages.length === 0) return [] // tenant stages know no employees
  const everybody = plan.kind === 'all'
  const employees: readonly Employee[] = everybody
    ? await listed(repository, plan, page)
    : (await jobs.employeeIds(jobId, page)).map((id) => ({ id }))
  if (employees.length === 0) return []
  const checkpoint = await jobs.checkpoint(jobId)
  if (!checkpoint) throw new JobNotFoundError(jobId)
  const ids = employees.map(({ id }) => id)
  const handedOut = everybody
    ? await countHandedOut(employees, { checkpoint, repository, plan, after: page.after })
    : ids.filter((id) => isHandedOut(id, checkpoint)).length
  const failuresOf = groupedByEmployee(await jobs.failuresOf(jobId, ids))
  const datesInLanes = datesDoneInLanes(checkpoint)
  const dates = countDays(plan.from, plan.to)
  return employees.map(({ id, name = null }, i) => {
    const failures = failuresOf.get(id) ?? []
    const datesDone = datesInLanes.get(id) ?? (i < handedOut ? dates : 0)
    const blockedFrom = selection?.daysBuildOnEarlier ? dayAfterFirst(failures, plan.to) : null
    return { id, name, datesDone, failures, blockedFrom }
  })
}

/** For employees whom the job names: their order is JavaScript's. */
function isHandedOut(id: string, { after, allHandedOut }: Checkpoint): boolean {
  return allHandedOut || (after !== null && id <= after)
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

function datesDoneInLanes({ openLanes }: Checkpoint): ReadonlyMap<string, number> {
  return new Map(openLanes.flatMap(({ employeeIds, datesDone }) => employeeIds.map((id) => [id, datesDone] as const)))
}

function groupedByEmployee(failures: readonly RecordedFailure[]): ReadonlyMap<string, readonly RecordedFailure[]> {
  const groups = new Map<string, RecordedFailure[]>()
  for (const failure of failures) {
    if (failure.employeeId === null) continue
    const group = groups.get(failure.employeeId)
    if (group) group.push(failure)
    else groups.set(failure.employeeId, [failure])
  }
  for (const group of groups.values()) group.sort((a, b) => ((a.date ?? '') < (b.date ?? '') ? -1 : 1))
  return groups
}

/** A recorded failure stands for its day and all that it blocks. */
function dayAfterFirst([first]: readonly RecordedFailure[], to: IsoDate): IsoDate | null {
  return first?.date && first.date < to ? addDays(first.date, 1) : null
}
