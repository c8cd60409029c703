import { type Kysely, sql, type Transaction } from 'kysely'
import { type DayKey, type DayStage, dayKey, dayStage } from 'recalc-service'
import { upsert } from 'recalc-service/sql'
import { nothingStage } from '../nothing.ts'

/** What is calculated. */
export type Work = 'nothing' | 'burning' | 'rows'

export interface Tables {
  derived: { employee_id: string; date: string; minutes: number }
}
type Tx = Transaction<Tables>

/** How much of a processor a day of `burning` takes, in milliseconds. */
export const BURNT_MS = 2

const stages: Record<Work, DayStage<Tx>> = {
  nothing: nothingStage,
  burning: dayStage<number, undefined, Tx>({
    name: 'burning',
    writes: ['derived'],
    load: async () => undefined,
    calculate() {
      const end = process.cpuUsage().user + BURNT_MS * 1_000
      while (process.cpuUsage().user < end);
      return null
    },
    save: async () => {},
  }),
  rows: dayStage<number, undefined, Tx>({
    name: 'rows',
    writes: ['derived'],
    load: async () => undefined,
    calculate: ({ date }) => Number(date.slice(-2)),
    async stored({ employeeIds, from, to }, { tx }) {
      const rows = await tx
        .selectFrom('derived')
        .selectAll()
        .where('employee_id', 'in', employeeIds)
        .where('date', '>=', from)
        .where('date', '<=', to)
        .execute()
      return new Map<DayKey, number>(
        rows.map(({ employee_id: employeeId, date, minutes }) => [dayKey({ employeeId, date }), minutes]),
      )
    },
    async save({ upserts }, { tx }) {
      const rows = upserts.map(({ day, value }) => ({
        employee_id: day.employeeId,
        date: day.date as string,
        minutes: value,
      }))
      await upsert(tx, 'derived', ['employee_id', 'date'], rows)
    },
  }),
}

export function stageFor(work: Work): DayStage<Tx> {
  return stages[work]
}

export async function createTables(db: Kysely<Tables>): Promise<void> {
  await sql`create table derived (employee_id varchar(20) not null, date varchar(10) not null, minutes int not null,
    primary key (employee_id, date))`.execute(db)
}
