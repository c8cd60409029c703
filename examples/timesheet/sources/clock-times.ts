import { join } from 'node:path'
import { addDays, dateOf } from 'recalc-service'
import { id, instant, optional, text } from '../../shared/import/columns.ts'
import { ImportError } from '../../shared/import/import-error.ts'
import { namesIn } from '../../shared/import/import-folder.ts'
import { type Row, rowsOf, type SourceFile } from '../../shared/import/source-file.ts'
import { assignment, type Sources } from './generate.ts'
import { company } from './office-rules.ts'

const file: SourceFile = {
  table: 'clock_times',
  name: 'clock-times',
  key: ['id'],
  columns: { id, employee_id: text(64), clock_in: instant(), clock_out: optional(instant()) },
  ignored: ['break_minutes'],
}

/** A folder's clock times: a come and a go each. Everybody has the flextime plan since their first day. */
export async function readClockTimes(folder: string, zone: string): Promise<{ sources: Sources; lastAt: number }> {
  const names = (await namesIn(folder)).filter((name) => /clock-times\.csv(\.gz)?$/.test(name))
  const [name] = names
  if (name === undefined || names.length > 1) {
    throw new ImportError(`Expected one clock-times.csv or .csv.gz in ${folder}, got ${names.length}`)
  }
  const rows: Row[] = []
  for await (const some of rowsOf(join(folder, name), file, new Map())) rows.push(...some)
  const bookings = rows.flatMap((row) => {
    const employee_id = String(row.employee_id)
    const come = { id: Number(row.id) * 2 - 1, employee_id, at: Number(row.clock_in), kind: 'come' } as const
    if (row.clock_out === null) return [come]
    return [come, { id: Number(row.id) * 2, employee_id, at: Number(row.clock_out), kind: 'go' } as const]
  })
  const firsts = new Map<string, number>()
  let lastAt = 0
  for (const { employee_id, at } of bookings) {
    firsts.set(employee_id, Math.min(at, firsts.get(employee_id) ?? at))
    lastAt = Math.max(lastAt, at)
  }
  const people = [...firsts].map(([id, at]) => ({ id, entry: dateOf(new Date(at), zone) }))
  const [earliest] = people.map(({ entry }) => entry).sort()
  if (earliest === undefined) throw new ImportError(`Expected ${name} to have rows, got none`)
  const sources: Sources = {
    ...company(addDays(earliest, 0), 0),
    employees: people.map((one) => ({
      id: one.id,
      name: one.id,
      entry_date: one.entry,
      exit_date: null,
      flextime_start: 0,
    })),
    plan_assignments: people.map((one) => assignment(one.id, one.entry, 1)),
    absences: [],
    bookings,
  }
  return { sources, lastAt }
}
