import { join } from 'node:path'
import { addDays, dateOf } from 'recalc-service'
import { instant, integer, optional, text } from '../../shared/import/columns.ts'
import { ImportError } from '../../shared/import/import-error.ts'
import { namesIn } from '../../shared/import/import-folder.ts'
import { type Row, rowsOf, type SourceFile } from '../../shared/import/source-file.ts'
import { assignment, type Sources } from './generate.ts'
import { company } from './office-rules.ts'

/** From the first booking to the moment at which they are seen, in days: no more are calculated at once. */
export const LONGEST = 3_650
const LONGEST_MS = LONGEST * 86_400_000

/** A line becomes two bookings, whose ids have to fit in their column. */
const LARGEST_ID = Math.floor((2 ** 31 - 1) / 2)

/** Remembers what it has read: a year typed wrong is told by the others. */
class ClockTimes implements SourceFile {
  readonly table = 'clock_times'
  readonly name = 'clock-times'
  readonly key = ['id']
  readonly columns = {
    id: integer(1, LARGEST_ID),
    employee_id: text(64),
    clock_in: instant(),
    clock_out: optional(instant()),
  }
  readonly ignored = { break_minutes: integer(0, 24 * 60) }
  firstAt = Number.POSITIVE_INFINITY
  lastAt = Number.NEGATIVE_INFINITY

  readonly problemIn = (row: Row) => {
    for (const column of ['clock_in', 'clock_out']) {
      const at = row[column] ?? null
      if (at === null) continue
      this.firstAt = Math.min(this.firstAt, Number(at))
      this.lastAt = Math.max(this.lastAt, Number(at))
      if (this.lastAt - this.firstAt <= LONGEST_MS) continue
      return { column, expectation: `an instant at most ${LONGEST} days from all before it` }
    }
    return undefined
  }
}

/** A folder's clock times, and when the first and the last of them is. */
export interface ReadClockTimes {
  readonly sources: Sources
  readonly firstAt: number
  readonly lastAt: number
}

/** A folder's clock times: a come and a go each. Everybody has the flextime plan since their first day. */
export async function readClockTimes(folder: string, zone: string): Promise<ReadClockTimes> {
  const names = (await namesIn(folder)).filter((name) => /clock-times\.csv(\.gz)?$/.test(name))
  const [name] = names
  if (name === undefined || names.length > 1) {
    throw new ImportError(`Expected one clock-times.csv or .csv.gz in ${folder}, got ${names.length}`)
  }
  const path = join(folder, name)
  const file = new ClockTimes()
  const rows: Row[] = []
  for await (const some of rowsOf(path, file, new Map())) rows.push(...some)
  const bookings = rows.flatMap((row) => {
    const employee_id = String(row.employee_id)
    const come = { id: Number(row.id) * 2 - 1, employee_id, at: Number(row.clock_in), kind: 'come' } as const
    if (row.clock_out === null) return [come]
    return [come, { id: Number(row.id) * 2, employee_id, at: Number(row.clock_out), kind: 'go' } as const]
  })
  const firsts = new Map<string, number>()
  for (const { employee_id, at } of bookings) {
    firsts.set(employee_id, Math.min(at, firsts.get(employee_id) ?? at))
  }
  const people = [...firsts].map(([id, at]) => ({ id, entry: dateOf(new Date(at), zone) }))
  const [earliest] = people.map(({ entry }) => entry).sort()
  if (earliest === undefined) throw new ImportError(`${path}:2: expected a line of clock times, got none`)
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
  return { sources, firstAt: file.firstAt, lastAt: file.lastAt }
}
