import { memoryBackend, RecalcService, type RecalcServiceOptions } from 'recalc-service'
import { sqlUnitOfWork } from 'recalc-service/sql'
import { employeeRepository } from './employees.ts'
import { dailyScores } from './stages/daily-scores.ts'
import { idlePeriods } from './stages/idle-periods.ts'
import type { Database, Tx } from './tables.ts'

/** How the back end is wired: which stages, whose days, which database. */
export function createProductivity(
  db: Database,
  options: { readonly zone: string } & Pick<RecalcServiceOptions<Tx>, 'clock' | 'block' | 'concurrency'>,
): RecalcService<Tx> {
  return new RecalcService<Tx>({
    stages: [dailyScores, idlePeriods],
    employees: employeeRepository(db, options.zone),
    // Jobs live in memory, so they end with the process; the rows and their transactions are the database's.
    backend: memoryBackend({ unitOfWork: sqlUnitOfWork(db) }),
    ...options,
  })
}
