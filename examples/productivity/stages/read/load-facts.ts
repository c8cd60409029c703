import { type CalcContext, dayBounds, type IsoDate } from 'recalc-service'
import { grouped } from '../../../shared/grouped.ts'
import type { Tx } from '../../schema/tables.ts'
import { type ActivityWindow, windowEnd } from '../../scoring/activity-window.ts'
import { EmployeeFacts } from '../../scoring/employee-facts.ts'
import { type Role, roleFrom } from '../../scoring/role.ts'
import { type Shift, shiftFrom } from '../../scoring/shift.ts'
import { beginsIn, type Span } from '../../scoring/span.ts'
import { activityLogsTouching, clockTimesAround, type Overrun, type Stretch } from './source-rows.ts'

/** What a block's days are scored from. */
export interface BlockFacts {
  readonly days: ReadonlyMap<IsoDate, Span>
  readonly employees: ReadonlyMap<string, EmployeeFacts>
}

type ShiftOf = Shift & { readonly employeeId: string }
type WindowOf = ActivityWindow & { readonly employeeId: string }

/** Whose facts of which days: some employees, some consecutive dates. */
interface Wanted {
  readonly employeeIds: readonly string[]
  readonly dates: readonly IsoDate[]
  readonly from: IsoDate
  readonly to: IsoDate
}

/**
 * Reads everything for the whole block, in three queries.
 *
 * @param now When it is seen, in milliseconds since 1970.
 * @param since From when on more is wanted, if that is before the block.
 */
export async function loadFacts(
  block: Wanted,
  { tx, zone }: Pick<CalcContext<Tx>, 'tx' | 'zone'>,
  now: number,
  since = Number.POSITIVE_INFINITY,
): Promise<BlockFacts> {
  const stretch: Stretch = {
    employeeIds: block.employeeIds,
    start: Math.min(since, boundsOf(block.from, zone).start),
    end: boundsOf(block.to, zone).end,
  }
  const roles = await loadRoles(tx)
  const shifts = (await clockTimesAround(tx, stretch)).map(
    (row): ShiftOf => ({ employeeId: row.employee_id, ...shiftFrom(row, now) }),
  )
  const windows = (await activityLogsTouching(tx, stretch, overrunsOf(shifts, stretch))).map((row): WindowOf => {
    const role = roles.get(row.role_id)
    if (!role) throw new Error(`Activity ${row.id} has role ${row.role_id}, which is not in role_configs`)
    return {
      employeeId: row.employee_id,
      id: row.id,
      start: row.window_start,
      end: windowEnd(row.window_start, row.window_end, now),
      items: row.items_count,
      role,
    }
  })

  const shiftsOf = grouped(shifts, ({ employeeId }) => employeeId)
  const windowsOf = grouped(windows, ({ employeeId }) => employeeId)
  return {
    days: new Map(block.dates.map((date) => [date, boundsOf(date, zone)])),
    employees: new Map(
      block.employeeIds.map((id) => [id, new EmployeeFacts(shiftsOf.get(id) ?? [], windowsOf.get(id) ?? [], now)]),
    ),
  }
}

async function loadRoles(tx: Tx): Promise<ReadonlyMap<number, Role>> {
  const rows = await tx.selectFrom('role_configs').selectAll().execute()
  return new Map(rows.map((row) => [row.id, roleFrom(row)]))
}

/** Only of shifts from within: what happens behind in one from before belongs to a day before. */
function overrunsOf(shifts: readonly ShiftOf[], stretch: Stretch): readonly Overrun[] {
  const until = new Map<string, number>()
  for (const shift of shifts) {
    if (!beginsIn(shift, stretch) || shift.end <= stretch.end) continue
    until.set(shift.employeeId, Math.max(shift.end, until.get(shift.employeeId) ?? shift.end))
  }
  return [...until].map(([employeeId, end]) => ({ employeeId, until: end }))
}

function boundsOf(date: IsoDate, zone: string): Span {
  const { start, end } = dayBounds(date, zone)
  return { start: start.getTime(), end: end.getTime() }
}
