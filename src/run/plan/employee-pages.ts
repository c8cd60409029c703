import { ContractError } from '../../errors.ts'
import { expected } from '../../expectation.ts'
import type { Employee, EmployeeQuery, EmployeeRepository } from './host-contracts.ts'

interface PageOptions {
  readonly after: string | null
  readonly limit: number
  read<T>(call: () => Promise<T>): Promise<T>
}

/**
 * The employees of a run, a page at a time, in the repository's own order, after the given one.
 *
 * In which order ids ascend is the host's to say (numbers, a collation), so they are never compared. Pages that cannot be
 * right are found out: the second employee must be the one after the first, nobody may come twice in two pages, and no
 * place may come again.
 *
 * @throws {ContractError} when the repository breaks its contract.
 */
export async function* employeePages(
  source: readonly string[] | EmployeeRepository,
  query: EmployeeQuery,
  options: PageOptions,
): AsyncGenerator<readonly Employee[]> {
  if (isIdList(source)) {
    const start = options.after === null ? 0 : source.indexOf(options.after) + 1
    for (let i = start; i < source.length; i += options.limit) {
      yield source.slice(i, i + options.limit).map((id) => ({ id }))
    }
    return
  }
  const { tenantId, from, to } = query
  const pageAfter = (after: string | null, limit: number) =>
    options.read(() => source.listEmployees({ tenantId, from, to, ...(after !== null && { after }), limit }))
  const places = new VisitedPlaces()
  let { after } = options
  let before: ReadonlySet<string> = new Set()
  for (;;) {
    const isFirst = after === null
    const page = isFirst ? await firstPage(pageAfter, options.limit) : await pageAfter(after, options.limit)
    before = checkPage(page, after, before)
    const last = page.at(-1)
    if (!last) return
    if (places.visit(last.id)) refuse('pages that come to an end, each after the one before', last.id)
    yield page
    after = last.id
  }
}

/** How often the first page is read when employees come and go meanwhile. */
const FIRST_PAGE_READS = 3

/** The first page, in which the second employee must be the one who comes after the first. */
async function firstPage(
  pageAfter: (after: string | null, limit: number) => Promise<readonly Employee[]>,
  limit: number,
): Promise<readonly Employee[]> {
  for (let read = 1; ; read++) {
    const page = await pageAfter(null, limit)
    checkPage(page, null, new Set())
    const [first, second] = page
    if (!first || !second) return page
    const [next] = await pageAfter(first.id, 1)
    if (next?.id === second.id) return page
    if (read === FIRST_PAGE_READS) refuse(`${second.id} after ${first.id}, in the order of its pages`, next?.id)
  }
}

/** How many employees {@link employeePages} gives from the start. */
export async function countEmployees(
  source: readonly string[] | EmployeeRepository,
  query: EmployeeQuery,
  options: Omit<PageOptions, 'after'>,
): Promise<number> {
  if (isIdList(source)) return source.length
  if (source.countEmployees) {
    const { tenantId, from, to } = query
    const counted = await options.read(async () => source.countEmployees?.({ tenantId, from, to }))
    if (Number.isSafeInteger(counted) && Number(counted) >= 0) return Number(counted)
    throw new ContractError(expected('countEmployees(…)', 'a whole number from 0', counted))
  }
  let counted = 0
  for await (const page of employeePages(source, query, { ...options, after: null })) counted += page.length
  return counted
}

/**
 * Finds out when a place is visited again, without remembering them all: of the first place, the second, the fourth, the
 * eighth and so on the latest is kept (R. P. Brent, "An improved Monte Carlo factorization algorithm", 1980).
 */
class VisitedPlaces {
  #kept: string | undefined
  #steps = 0
  #keepAt = 1

  visit(place: string): boolean {
    if (place === this.#kept) return true
    this.#steps += 1
    if (this.#steps === this.#keepAt) {
      this.#kept = place
      this.#keepAt *= 2
    }
    return false
  }
}

function isIdList(source: readonly string[] | EmployeeRepository): source is readonly string[] {
  return Array.isArray(source)
}

/** @returns the ids of the page. */
function checkPage(page: readonly Employee[], after: string | null, before: ReadonlySet<string>): ReadonlySet<string> {
  if (!Array.isArray(page)) throw new ContractError(expected('listEmployees(…)', 'an array of { id, name? }', page))
  const ids = new Set<string>()
  for (const employee of page) {
    const id: unknown = employee?.id
    if (typeof id !== 'string' || id === '') {
      throw new ContractError(expected('listEmployees(…)[].id', 'a non-empty string', id))
    }
    if (id === after || ids.has(id) || before.has(id)) {
      refuse('a page of different employees, ascending by id, that come after `after`', id)
    }
    ids.add(id)
  }
  return ids
}

function refuse(expectation: string, got: unknown): never {
  throw new ContractError(expected('listEmployees(…)', expectation, got))
}
