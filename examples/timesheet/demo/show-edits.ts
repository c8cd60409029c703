import { addDays, dateOf, dayBounds, type IsoDate, type RecalcService } from 'recalc-service'
import { Edits } from '../edits.ts'
import type { Database, Tx } from '../schema/tables.ts'
import { assignment } from '../sources/generate.ts'
import { changedKeys, type Snapshot, takeSnapshot } from './snapshot.ts'

interface Stage {
  readonly db: Database
  readonly timesheet: RecalcService<Tx>
  readonly tenantId: string
  readonly zone: string
  readonly now: number
}

type Edit = readonly [what: string, edit: () => Promise<void>]

const HOUR = 3_600_000

/** Edits the sources as people do, each in one transaction with its change noted, and tells what followed. */
export async function showEdits(stage: Stage): Promise<void> {
  const { db, timesheet, tenantId } = stage
  for await (const [what, edit] of editsOf(stage)) {
    const before = await takeSnapshot(db)
    await edit()
    const committed = performance.now()
    const { days, failed } = await timesheet.settle({ tenantId })
    const ms = Math.round(performance.now() - committed)
    const after = await takeSnapshot(db)
    console.log(`\n${what}`)
    console.log(
      `  recalculated: ${days} days${failed > 0 ? `, of which ${failed} failed` : ''}; settled ${ms} ms after the commit`,
    )
    for (const line of changesIn(before, after)) console.log(`  ${line}`)
    const { held } = await timesheet.freshness({ tenantId })
    if (held > 0) console.log(`  held: ${held} changes of closed months`)
  }
}

function* changesIn(before: Snapshot, after: Snapshot): Generator<string> {
  const days = changedKeys(before, after, 'daily_values')
  const averages = changedKeys(before, after, 'work_time_averages')
  const months = changedKeys(before, after, 'monthly_values')
  yield `changed: ${counted(days, 'day')}, ${counted(averages, 'average')}, ${counted(months, 'month')}`
  const last = (keys: readonly string[]) =>
    keys
      .map((key) => key.split(' ')[1] ?? '')
      .sort()
      .at(-1) ?? 'at once'
  yield `the cascade stopped: days ${last(days)}, averages ${last(averages)}, months ${last(months)}`
}

function counted(keys: readonly string[], what: string): string {
  if (keys.length === 0) return `no ${what}`
  const names = keys.length > 4 ? [...keys.slice(0, 3), '…', keys.at(-1)] : keys
  return `${keys.length} ${what}${keys.length === 1 ? '' : 's'} (${names.join(', ')})`
}

async function* editsOf({ db, timesheet, tenantId, zone, now }: Stage): AsyncGenerator<Edit> {
  const edits = new Edits(db, timesheet, tenantId)
  const today = dateOf(new Date(now), zone)
  const lastMonth = addDays(today, -Number(today.slice(8))).slice(0, 7)
  const isLater = now - 40 * 24 * HOUR

  const go = await db
    .selectFrom('bookings')
    .selectAll()
    .where('kind', '=', 'go')
    .where('at', '<', now - 10 * 24 * HOUR)
    .orderBy('at', 'desc')
    .executeTakeFirst()
  if (go) {
    const midnight = dayBounds(dateOf(new Date(go.at), zone), zone).end.getTime()
    const values = { employee_id: go.employee_id, at: midnight + HOUR }
    yield [`A booking of ${go.employee_id} is moved over midnight`, () => edits.changeBooking(go.id, values)]
  }

  const forgotten = await db
    .selectFrom('daily_errors as wrong')
    .innerJoin('daily_values as day', (join) =>
      join.onRef('day.employee_id', '=', 'wrong.employee_id').onRef('day.work_date', '=', 'wrong.work_date'),
    )
    .select(['wrong.employee_id', 'wrong.work_date'])
    .where('code', '=', 'MISSING_GO')
    .where('day.first_come', 'is', null)
    .where('day.work_date', '<', addDays(today, -2))
    .orderBy('wrong.work_date', 'desc')
    .executeTakeFirst()
  const come =
    forgotten &&
    (await db
      .selectFrom('bookings')
      .selectAll()
      .where('employee_id', '=', forgotten.employee_id)
      .where('kind', '=', 'come')
      .where('at', '>=', dayBounds(forgotten.work_date, zone).start.getTime())
      .where('at', '<', dayBounds(forgotten.work_date, zone).end.getTime())
      .orderBy('at', 'desc')
      .executeTakeFirst())
  if (come) {
    const { employee_id, at } = come
    const what = `The go that ${employee_id} forgot on ${forgotten.work_date} is added`
    yield [what, () => edits.addBooking({ employee_id, at: at + 8.5 * HOUR, kind: 'go' })]
  }

  const person = await db
    .selectFrom('employees')
    .selectAll()
    .where('exit_date', 'is', null)
    .orderBy('id')
    .executeTakeFirst()
  if (!person) return
  const middle = `${lastMonth}-15`
  yield [
    `${person.id} was away in the middle of last month, from ${middle} on`,
    () =>
      edits.addAbsence({
        employee_id: person.id,
        from_date: middle,
        to_date: `${lastMonth}-17`,
        kind: 'vacation',
        half_day: 0,
      }),
  ]
  const yearAgo = addDays(today, -365)
  const assigned = await db
    .selectFrom('plan_assignments')
    .selectAll()
    .where('employee_id', '=', person.id)
    .where('valid_from', '=', yearAgo)
    .executeTakeFirst()
  if (!assigned) {
    yield [
      `Another plan holds for ${person.id} since ${yearAgo}`,
      () => edits.addAssignment(assignment(person.id, yearAgo, 2)),
    ]
  }
  const holiday = weekdayBefore(addDays(today, -45))
  const known = await db.selectFrom('holidays').selectAll().where('date', '=', holiday).executeTakeFirst()
  if (!known) {
    const row = { date: holiday, name: 'A new holiday', credit_percent: 100 }
    yield [`${holiday} becomes a holiday for everybody`, () => edits.addHoliday(row)]
  }
  const closed = await db
    .selectFrom('bookings')
    .selectAll()
    .where('kind', '=', 'go')
    .where('at', '<', isLater)
    .orderBy('at', 'desc')
    .executeTakeFirst()
  if (closed) {
    const { employee_id, at } = closed
    const month = dateOf(new Date(at), zone).slice(0, 7)
    await edits.closeMonth(employee_id, month)
    yield [
      `A booking of ${employee_id} is edited in ${month}, which is closed for them`,
      () => edits.changeBooking(closed.id, { employee_id, at: at - HOUR }),
    ]
  }
}

/** The day, or the Friday before it. */
function weekdayBefore(date: IsoDate): IsoDate {
  const weekday = new Date(`${date}T00:00:00Z`).getUTCDay()
  return addDays(date, weekday === 6 ? -1 : weekday === 0 ? -2 : 0)
}
