import type { StoredChange } from './change-ledger.ts'
import { type SettledLane, settleLane } from './settle-lane.ts'
import type { SettleOwner } from './settle-owner.ts'
import { settleTenantStages, spreadToEmployees } from './settle-tenant.ts'

/** How many changes are looked at together to find the lanes that they belong to. */
const PAGE = 1_000

/** How often it is begun again, when changes keep arriving. */
const MOST_ROUNDS = 100

/** What settling came to. */
export interface Settled extends SettledLane {
  /** Names of tenant stages that failed; they keep their changes. */
  readonly failedStages: readonly string[]
}

/**
 * Settles what is waiting of one employee, or of a whole tenant, now: until nothing is, however it is that changes keep arriving.
 * What fails is tried once and stays noted.
 */
export async function settleNow<Tx>(
  owner: SettleOwner<Tx>,
  request: { readonly tenantId: string; readonly employeeId: string | undefined },
): Promise<Settled> {
  const { tenantId, employeeId } = request
  const { changes } = owner.settings
  const sum = { days: 0, failed: 0 }
  const failedStages = new Set<string>()
  const add = ({ days, failed }: SettledLane) => {
    sum.days += days
    sum.failed += failed
  }
  await changes.release({ tenantId, employeeId, state: 'failing' })
  // What is everybody's is this employee's, too.
  await spreadToEmployees(owner, tenantId)
  if (employeeId !== undefined) {
    add(await settleLane(owner, { tenantId, employeeIds: [employeeId] }))
    return { ...sum, failedStages: [] }
  }
  for (let round = 0; round < MOST_ROUNDS && !owner.control.stopped; round++) {
    const settled = await settleTenant(owner, tenantId)
    add(settled)
    for (const stage of settled.failedStages) failedStages.add(stage)
    if (settled.isDone) break
    await spreadToEmployees(owner, tenantId)
  }
  return { ...sum, failedStages: [...failedStages] }
}

/** One round over a tenant's employees, then its tenant stages; `isDone` when there was nothing left to do. */
async function settleTenant<Tx>(
  owner: SettleOwner<Tx>,
  tenantId: string,
): Promise<Settled & { readonly isDone: boolean }> {
  const { settings, control } = owner
  const { changes, clock, concurrency } = settings
  const sum = { days: 0, failed: 0 }
  let isDone = true
  let lanes: (readonly string[])[] = []
  const settle = async () => {
    if (lanes.length > 0) isDone = false
    const { days, failed } = await settleLanes(owner, tenantId, lanes)
    lanes = []
    sum.days += days
    sum.failed += failed
  }
  lanes = lanesOf(owner, await changes.parked({ tenantId, now: clock.now(), limit: PAGE }))
  await settle()
  let after: StoredChange | null = null
  while (!control.stopped) {
    const page: readonly StoredChange[] = await changes.waiting(tenantId, { after, limit: PAGE })
    // Where a page holds the changes of few employees, lanes of several pages are settled at once.
    lanes.push(...lanesOf(owner, page))
    after = page.at(-1) ?? null
    const isLast = page.length < PAGE
    if (isLast || lanes.length >= concurrency) await settle()
    if (isLast) break
  }
  return { ...sum, failedStages: await settleTenantStages(owner, tenantId), isDone }
}

function lanesOf<Tx>(owner: SettleOwner<Tx>, found: readonly StoredChange[]): (readonly string[])[] {
  const employeeIds = employeesOf(found)
  const size = laneSize(owner)
  return Array.from({ length: Math.ceil(employeeIds.length / size) }, (_, i) =>
    employeeIds.slice(i * size, (i + 1) * size),
  )
}

async function settleLanes<Tx>(
  owner: SettleOwner<Tx>,
  tenantId: string,
  lanes: readonly (readonly string[])[],
): Promise<SettledLane> {
  const { concurrency } = owner.settings
  const sum = { days: 0, failed: 0 }
  for (let i = 0; i < lanes.length && !owner.control.stopped; i += concurrency) {
    const some = lanes.slice(i, i + concurrency)
    for (const settled of await Promise.allSettled(
      some.map((ids) => settleLane(owner, { tenantId, employeeIds: ids })),
    )) {
      if (settled.status === 'rejected') throw settled.reason
      sum.days += settled.value.days
      sum.failed += settled.value.failed
    }
  }
  return sum
}

/** How many employees are settled in one unit of work. */
export function laneSize<Tx>({ calculator, settings }: SettleOwner<Tx>): number {
  return calculator?.shape.employees ?? settings.block.employees
}

/** The employees of some changes, each once, in the order in which they come. */
export function employeesOf(changes: readonly StoredChange[]): readonly string[] {
  return [...new Set(changes.map(({ employeeId }) => employeeId).filter((id) => id !== null))]
}
