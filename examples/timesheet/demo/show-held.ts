import type { IsoDate, RecalcService } from 'recalc-service'
import type { Database, Tx } from '../schema/tables.ts'

/** What waits for closed months, and what it would change in them, as a preview tells. */
export async function showHeld(
  timesheet: RecalcService<Tx>,
  db: Database,
  tenantId: string,
  range: { readonly from: IsoDate; readonly to: IsoDate },
): Promise<void> {
  const held = await timesheet.listDirty({ tenantId, state: 'held' })
  console.log(`\nHeld: ${held.length} changes`)
  if (held.length === 0) return
  const closed = await db.selectFrom('closed_months').select('employee_id').distinct().execute()
  for (const { employee_id: employeeId } of closed) {
    const preview = timesheet.preview({ tenantId, employeeIds: [employeeId], ...range }, { closed: 'only' })
    for await (const difference of preview) {
      const when = difference.date ?? difference.period.from.slice(0, 7)
      console.log(
        `  ${difference.employeeId} ${when}, ${difference.stage}: ${fieldsIn(difference.before, difference.after)}`,
      )
    }
  }
}

function fieldsIn(before: unknown, after: unknown): string {
  const [old, now] = [before, after].map((value) => new Map(Object.entries(value ?? {})))
  const names = new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])
  const differing = [...names].filter((name) => JSON.stringify(old?.get(name)) !== JSON.stringify(now?.get(name)))
  return differing.map((name) => `${name} ${old?.get(name) ?? '–'} → ${now?.get(name) ?? '–'}`).join(', ')
}
