import { type Logger, RecalcService, type RecalcServiceOptions, type Stage } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import type { Cache } from './database/redis.ts'
import { employeeRepository } from './employees.ts'
import type { Database, Tx } from './schema/tables.ts'
import type { RoleChange } from './scoring/role-change.ts'
import { alerts } from './stages/alerts.ts'
import type { AsOf } from './stages/as-of.ts'
import { cacheStage } from './stages/cache.ts'
import { currentStatusStage } from './stages/current-status.ts'
import { dailyScores } from './stages/daily-scores.ts'
import { hourlyCosts } from './stages/hourly-costs.ts'
import { idlePeriods } from './stages/idle-periods.ts'
import { primaryRolesStage } from './stages/primary-roles.ts'
import { scoredDaysStage } from './stages/scored-days.ts'

/** What differs from one installation to another. */
export interface ProductivityOptions
  extends Pick<
    RecalcServiceOptions<Tx>,
    'clock' | 'horizon' | 'block' | 'concurrency' | 'leaseMs' | 'progressIntervalMs'
  > {
  /** The IANA zone of the work. */
  readonly zone: string
  /** Default: none, which the job warns of. */
  readonly cache?: Cache
  readonly logger?: Logger
  /** Keeps what each run changes, for `recalc.history(…)`. Default false. */
  readonly history?: boolean
  /** The moment from which open shifts and the current status are seen. Default: now, by the service's clock. */
  readonly asOf?: Date
  /** A rule beside `role_configs`. Default: none. */
  readonly roleChange?: RoleChange
}

/** How the back end is wired: which stages, whose days, which database. */
export function createProductivity(db: Database, options: ProductivityOptions): RecalcService<Tx> {
  const { cache: _, asOf: __, roleChange: ___, history = false, ...settings } = options
  const { clock, logger } = settings
  return new RecalcService<Tx>({
    stages: productivityStages(options),
    employees: employeeRepository(db, settings.zone),
    // Jobs, their checkpoints and their locks are in the same database as the rows, and move in the same transactions.
    backend: sqlBackend(db, { history, ...(clock && { clock }), ...(logger && { logger }) }),
    ...settings,
  })
}

/** Its stages alone, for a preview of what others would change. */
export function productivityStages({
  cache,
  asOf: fixed,
  roleChange,
}: Partial<ProductivityOptions>): readonly Stage<Tx>[] {
  const asOf: AsOf = ({ now }) => (fixed ?? now()).getTime()
  return [
    scoredDaysStage(asOf, roleChange),
    dailyScores,
    idlePeriods,
    alerts,
    hourlyCosts,
    primaryRolesStage(asOf),
    currentStatusStage(asOf),
    cacheStage(asOf, cache),
  ]
}
