import type { IsoDate, RecalcService } from 'recalc-service'
import type { Database, Tx } from '../schema/tables.ts'
import { FirstLines } from './first-lines.ts'

/** What closed months owe, as payroll takes it over; the next list holds only what comes later. */
export async function showCorrections(
  timesheet: RecalcService<Tx>,
  db: Database,
  tenantId: string,
  range: { readonly from: IsoDate; readonly to: IsoDate },
): Promise<void> {
  const closed = await db.selectFrom('closed_months').select('employee_id').distinct().execute()
  if (closed.length === 0) return
  const request = { tenantId, ...range, employeeIds: closed.map(({ employee_id }) => employee_id) }
  console.log('\nWhat closed months owe:')
  const ids: string[] = []
  const lines = new FirstLines()
  for await (const { id, employeeId, date, period, stage, difference } of timesheet.corrections(request)) {
    ids.push(id)
    const fields = Object.entries(difference).map(([field, left]) => `${field} ${left > 0 ? '+' : ''}${left}`)
    lines.print(`${employeeId} ${date ?? period.from.slice(0, 7)}, ${stage}: ${fields.join(', ')}`)
  }
  lines.end()
  await timesheet.settleCorrections({ tenantId, ids, actor: 'payroll' })
  const { corrections } = await timesheet.corrections(request).summary
  console.log(`  Payroll has taken over ${ids.length}; the next list has ${corrections}.`)
}
