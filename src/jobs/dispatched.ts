import type { Checkpoint } from '../run/checkpoint.ts'
import { employeePages } from '../run/plan/employee-pages.ts'
import type { Employee, EmployeeQuery, EmployeeRepository } from '../run/plan/host-contracts.ts'

/** How many employees are read at a time in search of a page's place. */
const STRIDE = 1_000

/** Reads without a run around it: whoever asked tries again. */
export function readOnce<T>(call: () => Promise<T>): Promise<T> {
  return call()
}

/**
 * How many employees of a page, from the first, a job has dispatched to its lanes: those up to the last one whom it did.
 *
 * In which order ids ascend is known to the repository alone (numbers, a collation), and that last employee may have left
 * it, so ids are never compared here: the first employee behind is looked for in the page, then in front of it and behind
 * it, whichever is nearer. That costs more calls the further away the two are, but no memory, and only while the job of a
 * whole tenant is under way or was stopped midway.
 */
export async function countDispatched(
  page: readonly Employee[],
  options: {
    readonly checkpoint: Pick<Checkpoint, 'dispatchedThrough' | 'allDispatched'>
    readonly repository: EmployeeRepository
    readonly plan: EmployeeQuery
    /** What the page was asked for with. */
    readonly after: string | null
  },
): Promise<number> {
  const { checkpoint, repository, plan } = options
  const [first, last] = [page[0], page.at(-1)]
  if (checkpoint.allDispatched || !first || !last) return page.length
  if (checkpoint.dispatchedThrough === null || checkpoint.dispatchedThrough === options.after) return 0
  const place = page.findIndex(({ id }) => id === checkpoint.dispatchedThrough)
  if (place >= 0) return place + 1
  const pagesAfter = (after: string) => employeePages(repository, plan, { after, limit: STRIDE, read: readOnce })
  const waiting = pagesAfter(checkpoint.dispatchedThrough)
  const ahead = pagesAfter(last.id)
  let next: string | undefined
  for (;;) {
    const pageOfWaiting = await waiting.next()
    if (pageOfWaiting.done) return page.length
    next ??= pageOfWaiting.value[0]?.id
    const waitingInPage = page.findIndex(({ id }) => id === next)
    if (waitingInPage >= 0) return waitingInPage
    if (pageOfWaiting.value.some(({ id }) => id === first.id)) return 0
    // With nobody in front of the page, who is not in it is behind it.
    if (options.after === null) return page.length
    const pageAhead = await ahead.next()
    if (pageAhead.done) return 0
    if (pageAhead.value.some(({ id }) => id === next)) return page.length
  }
}
