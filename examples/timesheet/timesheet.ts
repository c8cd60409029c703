import { type Logger, RecalcService, type RecalcServiceOptions } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { closedMonths } from './closed-months.ts'
import { employeeRepository } from './employees.ts'
import type { Database, Tx } from './schema/tables.ts'
import { dailyValues } from './stages/daily-values.ts'
import { monthlyValues } from './stages/monthly-values.ts'
import { workTimeAverages } from './stages/work-time-averages.ts'

/** What differs from one installation to another. */
export interface TimesheetOptions
  extends Pick<RecalcServiceOptions<Tx>, 'clock' | 'horizon' | 'block' | 'concurrency' | 'leaseMs' | 'settle'> {
  /** The IANA zone of the work. */
  readonly zone: string
  readonly logger?: Logger
}

/** How the back end is wired: which stages, whose days, which database. */
export function createTimesheet(db: Database, options: TimesheetOptions): RecalcService<Tx> {
  const { clock, logger } = options
  return new RecalcService<Tx>({
    stages: [dailyValues, workTimeAverages, monthlyValues],
    employees: employeeRepository(db),
    closedPeriods: closedMonths,
    backend: sqlBackend(db, { ...(clock && { clock }), ...(logger && { logger }) }),
    ...options,
  })
}
