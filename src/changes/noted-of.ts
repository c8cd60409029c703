import type { ChangeState } from './change-ledger.ts'
import type { ChangesSettings } from './changes-settings.ts'

/** The most changes that are looked at; where there are more, everybody is taken to have some. */
const LIMIT = 20_000

const ALL: readonly ChangeState[] = ['waiting', 'failing', 'held']

/** Who of some employees has changes by now, of their own or of everybody's. */
export async function notedOf<Tx>(
  { changes }: ChangesSettings<Tx>,
  tx: Tx,
  tenantId: string,
  employeeIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (employeeIds.length === 0) return new Set()
  const query = { employeeIds: [...employeeIds, null], states: ALL, limit: LIMIT }
  const found = await changes.read(tx, tenantId, query)
  const isForAll = found.length === LIMIT || found.some((one) => one.employeeId === null && 'table' in one.content)
  return new Set(isForAll ? employeeIds : found.map(({ employeeId }) => employeeId).filter((id) => id !== null))
}
