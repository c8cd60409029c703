import { type Clock, systemClock } from './calendar/clock.ts'
import { isZone } from './calendar/zone.ts'
import { InvalidOptionsError } from './errors.ts'
import { expected, hasMethods, isPlainObject, unknownProperty } from './expectation.ts'
import type { JobSettings } from './jobs/job-runner.ts'
import type { RecalcBackend } from './jobs/job-store.ts'
import type { Recovery } from './jobs/jobs.ts'
import { memoryBackend } from './memory/memory-backend.ts'
import { checkStage } from './pipeline/check-stage.ts'
import type { Logger } from './pipeline/context.ts'
import { harmlessLogger, silentLogger } from './pipeline/logger.ts'
import { dailyPipeline, type Pipeline, stagePipeline } from './pipeline/pipeline.ts'
import type { DailyCalc, Stage } from './pipeline/stages.ts'
import type { ClosedPeriods, EmployeeRepository } from './run/host-contracts.ts'
import type { RetryPolicy } from './run/retry.ts'
import type { BlockShape } from './run/settings.ts'

/** Among which jobs at most one may be active. */
export type Exclusive = 'none' | 'tenant' | 'global'

interface CommonOptions<Tx> {
  /** Whom `triggerRecalcAll` means. */
  readonly employees: EmployeeRepository
  /** Where jobs, locks and transactions live. Default `memoryBackend()`. */
  readonly backend?: RecalcBackend<Tx>
  /** Which days may no longer change. Default: none is closed. */
  readonly closedPeriods?: ClosedPeriods<Tx>
  /** An IANA zone, or the zone of a tenant, which may throw a `TenantNotFoundError`. Default `'UTC'`. */
  readonly zone?: string | ((tenantId: string) => string)
  /** Lanes at once. Default 4. */
  readonly concurrency?: number
  /** The most that is loaded, locked and saved at once. Default 25 employees × 31 days. */
  readonly block?: Partial<BlockShape>
  /** What happens after a transient error. Default 3 attempts, waiting 100 ms, then twice as long, 5 s at most. */
  readonly retry?: Partial<RetryPolicy>
  /** The longest that one step of a stage may take, in milliseconds. Default: no limit. */
  readonly stageTimeoutMs?: number
  /** The least time between two progress events, in milliseconds. Default 250. */
  readonly progressIntervalMs?: number
  /** The longest range that a request may ask for, in days. Default 3,660. */
  readonly maxDays?: number
  /** Among which batch and all jobs at most one may be active. Default `'tenant'`. */
  readonly exclusive?: Exclusive
  /** The least time between the starts of two such jobs, in milliseconds. Default 0. */
  readonly cooldownMs?: number
  /** How long a job is its worker's without a sign of life, in milliseconds. Default 30,000. */
  readonly leaseMs?: number
  /** What `start()` does with a job whose worker died: work on, or end it as `interrupted`. Default `'resume'`. */
  readonly recovery?: Recovery
  /** The most failures that a result lists. Default 100. */
  readonly maxErrorsKept?: number
  /** Default: the machine's. */
  readonly clock?: Clock
  /** pino's shape. Default: silent. */
  readonly logger?: Logger
}

type Calculator<Tx> =
  | { readonly dailyCalc: DailyCalc<Tx>; readonly stages?: never }
  | { readonly stages: readonly Stage<Tx>[]; readonly dailyCalc?: never }

/** Everything that a service is made of: `dailyCalc` or `stages`, never both, and a backend that hands out their `Tx`. */
export type RecalcServiceOptions<Tx = unknown> = CommonOptions<Tx> &
  Calculator<Tx> &
  // Without a backend, tx is undefined: calculators that want more must be given one.
  (undefined extends Tx ? unknown : { readonly backend: RecalcBackend<Tx> })

/** Options with every default filled in. */
export interface ResolvedOptions<Tx> extends JobSettings<Tx> {
  readonly pipeline: Pipeline<Tx>
  readonly maxDays: number
  readonly exclusive: Exclusive
  readonly cooldownMs: number
  readonly recovery: Recovery
  zoneOf(tenantId: string): string
}

const KNOWN: readonly (keyof CommonOptions<unknown> | 'dailyCalc' | 'stages')[] = [
  'dailyCalc',
  'stages',
  'employees',
  'backend',
  'closedPeriods',
  'zone',
  'concurrency',
  'block',
  'retry',
  'stageTimeoutMs',
  'progressIntervalMs',
  'maxDays',
  'exclusive',
  'cooldownMs',
  'leaseMs',
  'recovery',
  'maxErrorsKept',
  'clock',
  'logger',
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
  const { employees, closedPeriods, stageTimeoutMs, clock = systemClock, logger = silentLogger } = options
  checkMethods('employees', employees, ['listEmployees'])
  if (closedPeriods !== undefined) checkMethods('closedPeriods', closedPeriods, ['closedThrough'])
  checkMethods('logger', logger, ['debug', 'info', 'warn', 'error'])
  checkMethods('clock', clock, ['now', 'setTimeout'])
  const { unitOfWork, jobs } = backendOf(options)
  return {
    pipeline: pipelineOf(options),
    unitOfWork,
    jobs,
    employees,
    closedPeriods,
    zoneOf: zoneOf(options.zone),
    concurrency: wholeNumber('concurrency', options.concurrency, { default: 4, least: 1 }),
    block: blockOf(options.block),
    retry: retryOf(options.retry),
    stageTimeoutMs:
      stageTimeoutMs === undefined
        ? undefined
        : wholeNumber('stageTimeoutMs', stageTimeoutMs, { least: 1, most: LONGEST_WAIT_MS }),
    progressIntervalMs: wholeNumber('progressIntervalMs', options.progressIntervalMs, { default: 250, least: 0 }),
    maxDays: wholeNumber('maxDays', options.maxDays, { default: 3_660, least: 1 }),
    exclusive: oneOf('exclusive', options.exclusive, ['tenant', 'none', 'global']),
    recovery: oneOf('recovery', options.recovery, ['resume', 'mark']),
    cooldownMs: wholeNumber('cooldownMs', options.cooldownMs, { default: 0, least: 0 }),
    leaseMs: wholeNumber('leaseMs', options.leaseMs, { default: 30_000, least: 1_000, most: LONGEST_WAIT_MS }),
    maxErrorsKept: wholeNumber('maxErrorsKept', options.maxErrorsKept, { default: 100, least: 0 }),
    clock,
    logger: harmlessLogger(logger),
  }
}

function backendOf<Tx>(options: RecalcServiceOptions<Tx>): RecalcBackend<Tx> {
  // CommonOptions demands a backend wherever Tx is not undefined, which is what memoryBackend hands out.
  const { backend = memoryBackend() as unknown as RecalcBackend<Tx> } = options
  checkMethods('backend.unitOfWork', backend?.unitOfWork, ['run', 'lockEmployees', 'isTransient'])
  checkMethods('backend.jobs', backend?.jobs, ['create', 'claim', 'append'])
  return backend
}

function pipelineOf<Tx>({ dailyCalc, stages }: RecalcServiceOptions<Tx>): Pipeline<Tx> {
  if ((dailyCalc === undefined) === (stages === undefined)) {
    const got = dailyCalc === undefined ? 'neither' : 'both'
    throw new InvalidOptionsError(`Expected exactly one of \`dailyCalc\` and \`stages\`, got ${got}`)
  }
  if (dailyCalc !== undefined) {
    checkMethods('dailyCalc', dailyCalc, ['calculateDay'])
    return dailyPipeline(dailyCalc)
  }
  if (!Array.isArray(stages) || stages.length === 0) {
    throw new InvalidOptionsError(expected('stages', 'a non-empty array of dayStage(…) and tenantStage(…)', stages))
  }
  for (const [i, stage] of stages.entries()) checkStage(`stages[${i}]`, stage)
  return stagePipeline(stages as readonly Stage<Tx>[]) // an array, as was just checked
}

function zoneOf(zone: unknown = 'UTC'): (tenantId: string) => string {
  if (typeof zone !== 'function') {
    const fixed = checkZone('zone', zone)
    return () => fixed
  }
  return (tenantId) => checkZone(`zone(${JSON.stringify(tenantId)})`, zone(tenantId))
}

function checkZone(name: string, zone: unknown): string {
  if (isZone(zone)) return zone
  throw new InvalidOptionsError(expected(name, 'an IANA time zone such as "Europe/Berlin"', zone))
}

function blockOf(block: unknown = {}): BlockShape {
  const { employees, days } = checkKnown('block', block, ['employees', 'days'])
  return {
    employees: wholeNumber('block.employees', employees, { default: 25, least: 1 }),
    days: wholeNumber('block.days', days, { default: 31, least: 1 }),
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
