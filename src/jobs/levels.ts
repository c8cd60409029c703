import type { LedgerState } from '../changes/change-ledger.ts'
import type { ChangesSettings } from '../changes/changes-settings.ts'
import type { ChangeLevels, Levels } from '../run/telemetry.ts'
import type { JobStatus } from './job-record.ts'
import type { JobSettings } from './job-settings.ts'

/** So many jobs of a status are counted; more are told as so many. */
const MOST = 1_000

type LevelSettings<Tx> = Pick<JobSettings<Tx> & ChangesSettings<Tx>, 'jobs' | 'changes' | 'ledger' | 'clock' | 'logger'>

/** Lets telemetry ask how much there is in the store, until the service stops. */
export function watchLevels<Tx>(
  settings: LevelSettings<Tx> & Pick<JobSettings<Tx>, 'telemetry'>,
  stopped: AbortSignal,
): void {
  const unwatch = settings.telemetry?.watch(() => levelsOf(settings))
  if (!unwatch) return
  if (stopped.aborted) unwatch()
  else stopped.addEventListener('abort', unwatch, { once: true })
}

async function levelsOf<Tx>({ jobs, changes, ledger, clock, logger }: LevelSettings<Tx>): Promise<Levels> {
  try {
    const now = clock.now()
    const counted = await jobLevels(jobs, now)
    return { jobs: counted, changes: ledger && changeLevels(await changes.state(undefined), now) }
  } catch (err) {
    logger.warn({ err }, 'Jobs and changes could not be counted for telemetry')
    throw err
  }
}

async function jobLevels<Tx>(jobs: JobSettings<Tx>['jobs'], now: number): Promise<Levels['jobs']> {
  const listed = (status: JobStatus) => jobs.list({ status, limit: MOST })
  const [queued, running, interrupted] = [await listed('queued'), await listed('running'), await listed('interrupted')]
  const waiting = [...queued, ...interrupted].map(({ finishedAt, createdAt }) => (finishedAt ?? createdAt).getTime())
  const oldest = waiting.reduce((least, time) => Math.min(least, time), now)
  const oldestSeconds = (now - oldest) / 1000
  return { queued: queued.length, running: running.length, interrupted: interrupted.length, oldestSeconds }
}

function changeLevels({ dirtyEmployees, changes, oldestAt, failing, held }: LedgerState, now: number): ChangeLevels {
  const oldestSeconds = oldestAt ? Math.max(0, (now - oldestAt.getTime()) / 1000) : 0
  return { dirtyEmployees, waiting: changes - failing - held, failing, held, oldestSeconds }
}
