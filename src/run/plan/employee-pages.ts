import { ContractError } from '../../errors.ts'
import { expected } from '../../expectation.ts'
import type { Employee, EmployeeQuery, EmployeeRepository } from './host-contracts.ts'

/** The employees of a run, a page at a time, in the repository's own order, after the given one. */
export async function* employeePages(
  source: readonly string[] | EmployeeRepository,
  { tenantId, from, to }: EmployeeQuery,
  options: { readonly after: string | null; readonly limit: number; read<T>(call: () => Promise<T>): Promise<T> },
): AsyncGenerator<readonly Employee[]> {
  if (isIdList(source)) {
    const start = options.after === null ? 0 : source.indexOf(options.after) + 1
    for (let i = start; i < source.length; i += options.limit) {
      yield source.slice(i, i + options.limit).map((id) => ({ id }))
    }
    return
  }
  let after = options.after
  for (;;) {
    const cursor = after === null ? {} : { after }
    const page = await options.read(() => source.listEmployees({ tenantId, from, to, ...cursor, limit: options.limit }))
    checkPage(page, after)
    const last = page.at(-1)
    if (!last) return
    yield page
    after = last.id
  }
}

/** How many employees {@link employeePages} gives from the start. */
export async function countEmployees(
  source: readonly string[] | EmployeeRepository,
  query: EmployeeQuery,
  options: { readonly limit: number; read<T>(call: () => Promise<T>): Promise<T> },
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

function isIdList(source: readonly string[] | EmployeeRepository): source is readonly string[] {
  return Array.isArray(source)
}

// In which order ids ascend is the host's to say (numbers, a collation), so only what would run in circles is refused.
function checkPage(page: readonly Employee[], after: string | null): void {
  if (!Array.isArray(page)) throw new ContractError(expected('listEmployees(…)', 'an array of { id, name? }', page))
  const ids = new Set<string>()
  for (const employee of page) {
    const id: unknown = employee?.id
    if (typeof id !== 'string' || id === '') {
      throw new ContractError(expected('listEmployees(…)[].id', 'a non-empty string', id))
    }
    if (id === after || ids.has(id)) {
      const order = 'a page of different employees, ascending by id, that come after `after`'
      throw new ContractError(expected('listEmployees(…)', order, id))
    }
    ids.add(id)
  }
}
