import type { RecalcService } from 'recalc-service'
import type { Tx } from '../schema/tables.ts'
import { FirstLines } from './first-lines.ts'

/** What waits for closed months, and what would come of it if they were opened, as a preview tells. */
export async function showHeld(timesheet: RecalcService<Tx>, tenantId: string): Promise<void> {
  const held = await timesheet.listDirty({ tenantId, state: 'held' })
  console.log(`\nHeld: ${held.length} changes`)
  const lines = new FirstLines()
  for await (const difference of timesheet.preview({ held: true, tenantId })) {
    const when = difference.date ?? difference.period.from.slice(0, 7)
    lines.print(
      `${difference.employeeId} ${when}, ${difference.stage}: ${fieldsIn(difference.before, difference.after)}`,
    )
  }
  lines.end()
}

function fieldsIn(before: unknown, after: unknown): string {
  const [old, now] = [before, after].map((value) => new Map(Object.entries(value ?? {})))
  const names = new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])
  const differing = [...names].filter((name) => JSON.stringify(old?.get(name)) !== JSON.stringify(now?.get(name)))
  return differing.map((name) => `${name} ${old?.get(name) ?? '–'} → ${now?.get(name) ?? '–'}`).join(', ')
}
