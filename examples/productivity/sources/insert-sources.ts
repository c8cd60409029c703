import type { Insertable } from 'kysely'
import type {
  ActivityLogsTable,
  ClockTimesTable,
  Database,
  EmployeesTable,
  PayRatesTable,
  RoleConfigsTable,
} from '../schema/tables.ts'

type Rows<Table> = Iterable<Insertable<Table>> | AsyncIterable<Insertable<Table>>

/** Rows of the source tables, ready to be inserted; they are taken one by one and never all held in memory. */
export interface Sources {
  /** Those who are missing here are named after their id. */
  readonly employees: Rows<EmployeesTable>
  readonly roleConfigs: Rows<RoleConfigsTable>
  readonly payRates: Rows<PayRatesTable>
  readonly clockTimes: Rows<ClockTimesTable>
  readonly activityLogs: Rows<ActivityLogsTable>
}

/** How many rows each table got. */
export type RowCounts = Readonly<
  Record<'employees' | 'role_configs' | 'pay_rates' | 'clock_times' | 'activity_logs', number>
>

/** Rows per statement; some thousand bound values. */
const BATCH = 500

/** Inserts everything, or nothing when a row is refused. */
export async function insertSources(db: Database, sources: Sources): Promise<RowCounts> {
  return db.transaction().execute(async (tx) => {
    const known = new Set<string>()
    const insertEmployees = async (rows: readonly Insertable<EmployeesTable>[]) => {
      if (rows.length > 0) await tx.insertInto('employees').values(rows).execute()
      for (const { id } of rows) known.add(id)
    }
    const introduce = async (rows: readonly { readonly employee_id: string }[]) => {
      const strangers = new Set(rows.map(({ employee_id }) => employee_id).filter((id) => !known.has(id)))
      await insertEmployees([...strangers].map((id) => ({ id, name: id })))
    }

    await inBatches(sources.employees, insertEmployees)
    const roleConfigs = await inBatches(sources.roleConfigs, (rows) =>
      tx.insertInto('role_configs').values(rows).execute(),
    )
    const payRates = await inBatches(sources.payRates, async (rows) => {
      await introduce(rows)
      await tx.insertInto('pay_rates').values(rows).execute()
    })
    const clockTimes = await inBatches(sources.clockTimes, async (rows) => {
      await introduce(rows)
      await tx.insertInto('clock_times').values(rows).execute()
    })
    const activityLogs = await inBatches(sources.activityLogs, async (rows) => {
      await introduce(rows)
      await tx.insertInto('activity_logs').values(rows).execute()
    })
    return {
      employees: known.size,
      role_configs: roleConfigs,
      pay_rates: payRates,
      clock_times: clockTimes,
      activity_logs: activityLogs,
    }
  })
}

async function inBatches<Row>(
  rows: Iterable<Row> | AsyncIterable<Row>,
  insert: (batch: readonly Row[]) => Promise<unknown>,
): Promise<number> {
  let count = 0
  let batch: Row[] = []
  const flush = async () => {
    if (batch.length === 0) return
    await insert(batch)
    count += batch.length
    batch = []
  }
  for await (const row of rows) {
    batch.push(row)
    if (batch.length === BATCH) await flush()
  }
  await flush()
  return count
}
