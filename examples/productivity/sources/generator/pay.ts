import type { Insertable } from 'kysely'
import { addDays, type IsoDate } from 'recalc-service'
import type { Random } from '../../../shared/random.ts'
import type { PayRatesTable } from '../../schema/tables.ts'

/** What somebody earns: since long ago, for some with a rise within the days; a few have no rate yet. */
export function payRates(
  employeeId: string,
  from: IsoDate,
  days: number,
  random: Random,
): readonly Insertable<PayRatesTable>[] {
  if (random.percent(5)) return []
  const cents = random.integer(1_300, 2_600)
  const first = {
    employee_id: employeeId,
    effective_from: addDays(from, -random.integer(1, 1_000)),
    hourly_rate: cents / 100,
  }
  if (!random.percent(20)) return [first]
  const raised = Math.floor((cents * random.integer(102, 108)) / 100)
  const rise = addDays(from, random.integer(0, days - 1))
  return [first, { employee_id: employeeId, effective_from: rise, hourly_rate: raised / 100 }]
}
