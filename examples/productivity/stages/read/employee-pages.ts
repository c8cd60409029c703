import type { Tx } from '../../schema/tables.ts'

/** Employees per page: what a tenant stage holds in memory at a time. */
const PAGE = 500

/** The employees of a run, page by page; `null`: everybody. */
export async function* employeePages(
  tx: Tx,
  employeeIds: readonly string[] | null,
): AsyncGenerator<readonly string[], void> {
  if (employeeIds) {
    for (let first = 0; first < employeeIds.length; first += PAGE) yield employeeIds.slice(first, first + PAGE)
    return
  }
  for (let after = ''; ; ) {
    const rows = await tx
      .selectFrom('employees')
      .select('id')
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute()
    const last = rows.at(-1)
    if (!last) return
    yield rows.map(({ id }) => id)
    if (rows.length < PAGE) return
    after = last.id
  }
}
