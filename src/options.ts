import { type Clock, systemClock } from './calendar/clock.ts'
import { MIDNIGHT, parseStartTime } from './calendar/start-time.ts'
import type { ChangesSettings, SettleOptions } from './changes/changes-settings.ts'
import type { Horizon } from './changes/dirty-days.ts'
import { noLedger } from './changes/no-ledger.ts'
import { RunLedger } from './changes/run-ledger.ts'
import { InvalidOptionsError } from './errors.ts'
import { expected, hasMethods, isPlainObject, unknownProperty } from './expectation.ts'
import { boundedHistory, boundedLedger, boundedStore } from './jobs/bounded-store.ts'
import type { Exclusive } from './jobs/job-scope.ts'
import type { JobSettings } from './jobs/job-settings.ts'
import type { RecalcBackend, WhenBusy } from './jobs/job-store.ts'
import type { LaneDispatcher } from './jobs/lanes/lane-dispatcher.ts'
import type { LaneStore } from './jobs/lanes/lane-store.ts'
import type { Recovery } from './jobs/recovery.ts'
import { memoryBackend } from './memory/memory-backend.ts'
import { checkReads, checkStage } from './pipeline/check-stage.ts'
import type { Logger } from './pipeline/context.ts'
import { harmlessLogger, silentLogger } from './pipeline/logger.ts'
import { type Pipeline, pipelineOf } from './pipeline/pipeline.ts'
import { selectTables } from './pipeline/selection.ts'
import type { DailyCalc, Stage, TenantStage } from './pipeline/stages.ts'
import type { BlockShape } from './run/blocks/block-calculator.ts'
import { harmlessTelemetry } from './run/harmless-telemetry.ts'
import type { ClosedPeriods, EmployeeRepository } from './run/plan/host-contracts.ts'
import { type ZoneOption, Zones } from './run/plan/zones.ts'
import type { Telemetry } from './run/telemetry.ts'
import { type Throttle, ThrottleGate } from './run/throttle.ts'
import type { RetryPolicy } from './run/units/backoff.ts'
import { UnitSlots } from './run/units/unit-slots.ts'
import { UnitWatchdog } from './run/units/unit-watchdog.ts'

/** Every option of a service but what calculates. */
export interface CommonOptions<Tx> {
  /** The employees that `triggerRecalcAll` recalculates. Required. */
  readonly employees: EmployeeRepository
  /** Where jobs, locks and transactions are kept. Default `memoryBackend()`. */
  readonly backend?: RecalcBackend<Tx>
  /** Which days may no longer change. Default: none is closed. */
  readonly closedPeriods?: ClosedPeriods<Tx>
  /**
   * An IANA zone, or a function that tells that of a tenant, and that of an employee where a calculator asks for it by
   * `context.zoneOf`. It may throw a `TenantNotFoundError`. It is called outside of any unit of work for a tenant, and may take
   * as long as `leaseMs`. Default `'UTC'`.
   */
  readonly zone?: ZoneOption
  /** The time of day at which days begin, as `HH:MM`; see `context.dayBounds`. Default `'00:00'`. */
  readonly dayStartsAt?: string
  /**
   * Units of work at once, of all calls and jobs of this service together; synchronous calls go first. Give the pool a
   * connection for each, and one or two more. Default 4.
   */
  readonly concurrency?: number
  /** The most that is loaded, locked and saved at once. Default 25 employees × 31 days. */
  readonly block?: Partial<BlockShape>
  /** What happens after a transient error. Default 3 attempts, waiting 100 ms, then twice as long, 5 s at most. */
  readonly retry?: Partial<RetryPolicy>
  /**
   * The longest that one call of a host's code may take (`load`, `stored`, `save`, `calculateDay`, `run`, `closed`), in
   * milliseconds; its day fails then. Default: as long as its unit of work may take.
   */
  readonly stageTimeoutMs?: number
  /**
   * The longest that a unit of work may take, in milliseconds. It is then given up, its connection closed, and its work is
   * tried again, or its day fails when it was a stage that did not return. Default 600,000.
   */
  readonly unitOfWorkTimeoutMs?: number
  /** The least time between two progress events, in milliseconds. Default 250. */
  readonly progressIntervalMs?: number
  /** The longest range that a request may ask for, in days. Default 3,660. */
  readonly maxDays?: number
  /** Among which batch and all jobs at most one may be active. Default `'tenant'`. */
  readonly exclusive?: Exclusive
  /**
   * What becomes of such a job, or of one that is resumed, while another is active: it is refused, or waits behind it. Default
   * `'reject'`.
   */
  readonly whenBusy?: WhenBusy
  /**
   * False: jobs and changes are only stored here, for services that do them; `start()` does nothing then. Default true: jobs
   * begin at once where they are asked for.
   */
  readonly worker?: boolean
  /**
   * The most jobs that a service that was started takes up at once: jobs that wait, and those of workers that died. Default:
   * `concurrency`.
   */
  readonly maxJobs?: number
  /** How often a service that was started looks for jobs that wait, in milliseconds. Default 500. */
  readonly queuePollMs?: number
  /**
   * Asked between the blocks of jobs, at most once a second, whether they are to hold still: gives the reason, in a few words, or
   * `null` when they may go on. Default: nothing holds them up. See `replicaLag` in `recalc-service/sql`.
   */
  readonly throttle?: Throttle
  /**
   * Has lanes of jobs calculated by all services that have a dispatcher of the same kind, in any number of processes, such as
   * `bullmqDispatcher` of `recalc-service/bullmq`. It needs a `backend` that all of them share. Each service has a dispatcher of
   * its own, and stops it. Default: whoever works on a job calculates all of it.
   */
  readonly dispatcher?: LaneDispatcher
  /** The least time between the starts of two such jobs, in milliseconds. Default 0. */
  readonly cooldownMs?: number
  /**
   * How long a worker holds a job without renewing its lease, in milliseconds; also how long the library waits for an answer of
   * the database. Default 30,000.
   */
  readonly leaseMs?: number
  /** What `start()` does with a job whose worker died: resume it, or end it as `interrupted`. Default `'resume'`. */
  readonly recovery?: Recovery
  /**
   * How often in a row a job may be taken over from a worker that died without having brought it any further; then it ends as
   * `failed`. Default 5.
   */
  readonly maxRecoveries?: number
  /** The most failures that a result lists. Default 100. */
  readonly maxErrorsKept?: number
  /** How changes that were noted are settled in the background, once `start()` was called. */
  readonly settle?: Partial<SettleOptions>
  /** How far a change reaches that has no end of its own, in days before and after today. Default 400 back, 0 ahead. */
  readonly horizon?: Partial<Horizon>
  /** Default: the machine's. */
  readonly clock?: Clock
  /** Takes an object of fields and a message, as pino does. Default: silent. */
  readonly logger?: Logger
  /** Learns what the service does, such as `otelTelemetry()` of `recalc-service/otel`. Default: nobody does, at no cost. */
  readonly telemetry?: Telemetry
}

/** What calculates: a `dailyCalc`, beside which only tenant and period stages stand, or stages alone. */
export type Calculator<Tx> =
  | {
      /** Calculates the days by itself. */
      readonly dailyCalc: DailyCalc<Tx>
      /** What runs once after the days. */
      readonly stages?: readonly TenantStage<Tx>[]
    }
  | {
      /** What calculates, in any order: `reads` and `writes` tell which stage comes first. */
      readonly stages: readonly Stage<Tx>[]
      /** Not beside day stages. */
      readonly dailyCalc?: never
    }

/** Everything that a service is made of: a `dailyCalc` or day stages, and a backend that hands out their `Tx`. */
export type RecalcServiceOptions<Tx = unknown> = CommonOptions<Tx> &
  Calculator<Tx> &
  // Without a backend, tx is undefined: calculators that want more must be given one.
  (undefined extends Tx
    ? unknown
    : {
        /**
         * Where jobs, changes, locks and transactions live, such as `sqlBackend(db)`. Required where calculators want a
         * `tx`.
         */
        readonly backend: RecalcBackend<Tx>
      })

/** Options with every default filled in. */
export interface ResolvedOptions<Tx> extends JobSettings<Tx>, ChangesSettings<Tx> {
  readonly exclusive: Exclusive
  readonly whenBusy: WhenBusy
  readonly worker: boolean
  readonly maxJobs: number
  readonly queuePollMs: number
  readonly sharing: { readonly lanes: LaneStore<Tx>; readonly dispatcher: LaneDispatcher } | undefined
  readonly cooldownMs: number
  readonly recovery: Recovery
}

const KNOWN: readonly (keyof CommonOptions<unknown> | 'dailyCalc' | 'stages')[] = [
  'dailyCalc',
  'stages',
  'employees',
  'backend',
  'closedPeriods',
  'zone',
  'dayStartsAt',
  'concurrency',
  'block',
  'retry',
  'stageTimeoutMs',
  'unitOfWorkTimeoutMs',
  'progressIntervalMs',
  'maxDays',
  'exclusive',
  'whenBusy',
  'worker',
  'maxJobs',
  'queuePollMs',
  'throttle',
  'dispatcher',
  'cooldownMs',
  'leaseMs',
  'recovery',
  'maxRecoveries',
  'maxErrorsKept',
  'settle',
  'horizon',
  'clock',
  'logger',
  'telemetry',
]

/** The longest that a timer can wait; beyond it, it fires at once. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/**
 * Checks a service's options and fills in the defaults.
 *
 * @throws {InvalidOptionsError} that names the value and what was expected of it.
 * @throws {PipelineError} when the stages cannot work together.
 */
export function resolveOptions<Tx>(options: RecalcServiceOptions<Tx>): ResolvedOptions<Tx> {
  checkKnown('options', options, KNOWN)
  // Only what is left out gets its default: a null out of a configuration file is a mistake.
  const { employees, closedPeriods, stageTimeoutMs, telemetry, clock = systemClock, logger = silentLogger } = options
  checkMethods('employees', employees, ['listEmployees'])
  if (closedPeriods !== undefined) checkClosedPeriods(closedPeriods)
  checkMethods('logger', logger, ['debug', 'info', 'warn', 'error'])
  if (telemetry !== undefined) checkMethods('telemetry', telemetry, ['begin', 'record', 'watch'])
  checkMethods('clock', clock, ['now', 'setTimeout'])
  const { unitOfWork, jobs, changes, history, corrections } = backendOf(options)
  const most = LONGEST_WAIT_MS
  const concurrency = wholeNumber('concurrency', options.concurrency, { default: 4, least: 1 })
  const leaseMs = wholeNumber('leaseMs', options.leaseMs, { default: 30_000, least: 1_000, most })
  const unitOfWorkTimeoutMs = wholeNumber('unitOfWorkTimeoutMs', options.unitOfWorkTimeoutMs, {
    default: 600_000,
    least: 1,
    most,
  })
  const pipeline = calculatorOf(options)
  const block = blockOf(options.block)
  const limits = { clock, timeoutMs: leaseMs }
  const resolved = {
    pipeline,
    wholePass: selectTables(pipeline, undefined, block.days),
    changes: changes ? boundedLedger(changes, limits) : noLedger,
    settle: settleOf(options.settle),
    horizon: horizonOf(options.horizon),
    unitOfWork,
    history: history && boundedHistory(history, limits),
    corrections,
    jobs: boundedStore(jobs, limits),
    slots: new UnitSlots(concurrency),
    watchdog: new UnitWatchdog(clock, { unitOfWorkTimeoutMs, ownTimeoutMs: leaseMs }),
    callTimeoutMs: leaseMs,
    employees,
    closedPeriods,
    zones: new Zones(options.zone === undefined ? 'UTC' : options.zone, limits),
    dayStartsAt: dayStartOf(options.dayStartsAt),
    concurrency,
    block,
    retry: retryOf(options.retry),
    stageTimeoutMs:
      stageTimeoutMs === undefined
        ? undefined
        : wholeNumber('stageTimeoutMs', stageTimeoutMs, { least: 1, most: LONGEST_WAIT_MS }),
    progressIntervalMs: wholeNumber('progressIntervalMs', options.progressIntervalMs, { default: 250, least: 0 }),
    maxDays: wholeNumber('maxDays', options.maxDays, { default: 3_660, least: 1 }),
    whenBusy: oneOf('whenBusy', options.whenBusy, ['reject', 'queue']),
    worker: trueOrFalse('worker', options.worker, true),
    maxJobs: wholeNumber('maxJobs', options.maxJobs, { default: concurrency, least: 1 }),
    queuePollMs: wholeNumber('queuePollMs', options.queuePollMs, { default: 500, least: 1, most }),
    throttle: throttleOf(options.throttle, { clock, logger: harmlessLogger(logger), timeoutMs: leaseMs }),
    sharing: sharingOf(options, clock, leaseMs),
    exclusive: oneOf('exclusive', options.exclusive, ['tenant', 'none', 'global']),
    recovery: oneOf('recovery', options.recovery, ['resume', 'mark']),
    cooldownMs: wholeNumber('cooldownMs', options.cooldownMs, { default: 0, least: 0 }),
    leaseMs,
    maxRecoveries: wholeNumber('maxRecoveries', options.maxRecoveries, { default: 5, least: 0 }),
    maxErrorsKept: wholeNumber('maxErrorsKept', options.maxErrorsKept, { default: 100, least: 0 }),
    clock,
    logger: harmlessLogger(logger),
    telemetry: telemetry && harmlessTelemetry(telemetry, harmlessLogger(logger)),
    ledger: undefined,
  }
  return { ...resolved, ledger: changes && new RunLedger(resolved) }
}

function backendOf<Tx>(options: RecalcServiceOptions<Tx>): RecalcBackend<Tx> {
  // CommonOptions demands a backend wherever Tx is not undefined, which is what memoryBackend hands out.
  const { backend = memoryBackend() as unknown as RecalcBackend<Tx> } = options
  checkMethods('backend.unitOfWork', backend?.unitOfWork, ['run', 'lockEmployees', 'isTransient'])
  checkMethods('backend.jobs', backend?.jobs, ['create', 'claim', 'append'])
  if (backend.changes !== undefined) checkMethods('backend.changes', backend.changes, ['note', 'read', 'update'])
  if (backend.history !== undefined) checkMethods('backend.history', backend.history, ['append', 'list'])
  if (backend.corrections !== undefined) {
    checkMethods('backend.corrections', backend.corrections, ['bookings', 'takenOver', 'book'])
  }
  return backend
}

function sharingOf<Tx>(
  { dispatcher, backend }: RecalcServiceOptions<Tx>,
  clock: Clock,
  leaseMs: number,
): ResolvedOptions<Tx>['sharing'] {
  if (dispatcher === undefined) return undefined
  checkMethods('dispatcher', dispatcher, ['dispatch', 'work', 'stop'])
  const lanes = backend?.lanes
  if (lanes === undefined) {
    throw new InvalidOptionsError(
      'Expected a `backend` with lanes that processes share beside `dispatcher`, such as sqlBackend',
    )
  }
  return { dispatcher, lanes: boundedStore(lanes, { clock, timeoutMs: leaseMs }) }
}

function calculatorOf<Tx>({ dailyCalc, stages }: RecalcServiceOptions<Tx>): Pipeline<Tx> {
  if (dailyCalc === undefined && stages === undefined) {
    throw new InvalidOptionsError('Expected `dailyCalc` or `stages`, got neither')
  }
  if (dailyCalc !== undefined) {
    checkMethods('dailyCalc', dailyCalc, ['calculateDay'])
    if (dailyCalc.load !== undefined) checkMethods('dailyCalc', dailyCalc, ['load'])
    checkReads('dailyCalc', dailyCalc.reads)
  }
  if (stages !== undefined && (!Array.isArray(stages) || (stages.length === 0 && dailyCalc === undefined))) {
    throw new InvalidOptionsError(expected('stages', 'a non-empty array of dayStage(…) and tenantStage(…)', stages))
  }
  const listed: readonly Stage<Tx>[] = stages ?? []
  for (const [i, stage] of listed.entries()) checkStage(`stages[${i}]`, stage)
  return pipelineOf(dailyCalc, listed)
}

function checkClosedPeriods(closedPeriods: unknown): void {
  const { closed, closedThrough } = (closedPeriods ?? {}) as Record<string, unknown> // or has none of these
  if ((typeof closed === 'function') !== (typeof closedThrough === 'function')) return
  throw new InvalidOptionsError(expected('closedPeriods', 'an object with closed() or closedThrough()', closedPeriods))
}

function dayStartOf(startsAt: unknown = MIDNIGHT): string {
  parseStartTime(startsAt, 'dayStartsAt')
  return String(startsAt)
}

function throttleOf(
  throttle: unknown,
  settings: ConstructorParameters<typeof ThrottleGate>[1],
): ThrottleGate | undefined {
  if (throttle === undefined) return undefined
  if (typeof throttle !== 'function') throw new InvalidOptionsError(expected('throttle', 'a function', throttle))
  return new ThrottleGate(throttle as Throttle, settings) // whatever it gives is checked there
}

function trueOrFalse(name: string, value: unknown, byDefault: boolean): boolean {
  if (value === undefined) return byDefault
  if (typeof value === 'boolean') return value
  throw new InvalidOptionsError(expected(name, 'true or false', value))
}

function blockOf(block: unknown = {}): BlockShape {
  const { employees, days } = checkKnown('block', block, ['employees', 'days'])
  return {
    employees: wholeNumber('block.employees', employees, { default: 25, least: 1 }),
    days: wholeNumber('block.days', days, { default: 31, least: 1 }),
  }
}

function settleOf(settle: unknown = {}): SettleOptions {
  const { intervalMs, quietMs, jobAbove } = checkKnown('settle', settle, ['intervalMs', 'quietMs', 'jobAbove'])
  const most = LONGEST_WAIT_MS
  return {
    intervalMs: wholeNumber('settle.intervalMs', intervalMs, { default: 1_000, least: 1, most }),
    quietMs: wholeNumber('settle.quietMs', quietMs, { default: 0, least: 0, most }),
    jobAbove: wholeNumber('settle.jobAbove', jobAbove, { default: 5_000, least: 1 }),
  }
}

function horizonOf(horizon: unknown = {}): Horizon {
  const { back, ahead } = checkKnown('horizon', horizon, ['back', 'ahead'])
  return {
    back: wholeNumber('horizon.back', back, { default: 400, least: 0, most: 36_600 }),
    ahead: wholeNumber('horizon.ahead', ahead, { default: 0, least: 0, most: 36_600 }),
  }
}

function retryOf(retry: unknown = {}): RetryPolicy {
  const { attempts, ...delays } = checkKnown('retry', retry, ['attempts', 'minDelayMs', 'maxDelayMs'])
  const most = LONGEST_WAIT_MS
  const minDelayMs = wholeNumber('retry.minDelayMs', delays.minDelayMs, { default: 100, least: 0, most })
  const maxDelay = { default: Math.max(5_000, minDelayMs), least: minDelayMs, most }
  return {
    attempts: wholeNumber('retry.attempts', attempts, { default: 3, least: 1 }),
    minDelayMs,
    maxDelayMs: wholeNumber('retry.maxDelayMs', delays.maxDelayMs, maxDelay),
  }
}

function checkKnown(name: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  if (!isPlainObject(value)) throw new InvalidOptionsError(expected(name, 'an object', value))
  const unknown = unknownProperty(value, known)
  if (unknown === undefined) return value
  throw new InvalidOptionsError(`Expected \`${name}\` to have only ${known.join(', ')}, got \`${unknown}\``)
}

function checkMethods(name: string, value: unknown, methods: readonly string[]): void {
  if (hasMethods(value, methods)) return
  const expectation = `an object with ${methods.map((method) => `${method}()`).join(', ')}`
  throw new InvalidOptionsError(expected(name, expectation, value))
}

function wholeNumber(
  name: string,
  value: unknown,
  range: { readonly default?: number; readonly least: number; readonly most?: number },
): number {
  const { least, most } = range
  const number = value === undefined ? range.default : value
  if (Number.isSafeInteger(number) && Number(number) >= least && Number(number) <= (most ?? Number.MAX_SAFE_INTEGER)) {
    return Number(number)
  }
  const upTo = most === undefined ? '' : ` to ${most}`
  throw new InvalidOptionsError(expected(name, `a whole number from ${least}${upTo}`, value))
}

/** The first choice is the default. */
function oneOf<T extends string>(name: string, value: unknown, choices: readonly [T, ...T[]]): T {
  const found = value === undefined ? choices[0] : choices.find((choice) => choice === value)
  if (found !== undefined) return found
  throw new InvalidOptionsError(expected(name, choices.map((choice) => `'${choice}'`).join(' or '), value))
}
