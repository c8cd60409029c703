import type { DateInterval } from '../calendar/date-range.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import { describe } from '../expectation.ts'
import { StageFailure, thrownBy } from './blocks/stage-failure.ts'

/** One thing that failed and was left as it was. */
export interface RecalcFailure {
  /** `null` when a tenant stage failed. */
  readonly employeeId: string | null
  /** The first day of the period when a period stage failed; `null` when a tenant stage failed. */
  readonly date: IsoDate | null
  /**
   * The last date that waits behind the failed one, which is `date` itself where days do not build on each other; that of
   * the period when a period stage failed; `null` when a tenant stage failed.
   */
  readonly through: IsoDate | null
  /** The name of the stage, or `dailyCalc`. */
  readonly stage: string
  /** There, and true, when a period failed and no day. */
  readonly period?: true
  /** The `code` of the error that was thrown, if it has one, otherwise its name. */
  readonly code: string
  /** What the error says, at most 2,000 characters of it. */
  readonly message: string
  /** How often it was tried. */
  readonly attempts: number
}

/** Messages are cut after so many characters: an error may quote a whole file. */
const LONGEST_MESSAGE = 2_000

const causes = new WeakMap<RecalcFailure, unknown>()

/** The record of something that failed with `thrown`. */
export function failureOf(
  thrown: unknown,
  where: Pick<RecalcFailure, 'employeeId' | 'date' | 'stage'>,
  attempts: number,
): RecalcFailure {
  const error = thrownBy(thrown)
  const stage = thrown instanceof StageFailure ? thrown.stage : where.stage
  const failure = { ...where, through: where.date, stage, code: codeOf(error), message: messageOf(error), attempts }
  causes.set(failure, error)
  return failure
}

/** The same failure, which blocks the days up to `through`. */
export function blocking(failure: RecalcFailure, through: IsoDate): RecalcFailure {
  const blocked = { ...failure, through }
  causes.set(blocked, causes.get(failure))
  return blocked
}

/** The same failure as that of a stage's period, whoever threw: it is this stage that is to calculate the period again. */
export function ofPeriod(failure: RecalcFailure, stage: string, { from, to }: DateInterval): RecalcFailure {
  const failed = { ...failure, stage, date: from, through: to, period: true as const }
  causes.set(failed, causes.get(failure))
  return failed
}

/** The failure of a period as that of a day, which stands for all that builds on the period. */
export function ofDay(failure: RecalcFailure, date: IsoDate): RecalcFailure {
  const { period: _, ...rest } = failure
  const failed = { ...rest, date, through: date }
  causes.set(failed, causes.get(failure))
  return failed
}

/** The error behind a failure of this process. */
export function causeOf(failure: RecalcFailure | undefined): unknown {
  return failure && causes.get(failure)
}

/** The `code` of an error, or the next best name for its kind. */
export function codeOf(error: unknown): string {
  const code = safely(() => {
    if (!(error instanceof Error)) return undefined
    const own: unknown = 'code' in error ? error.code : undefined
    return typeof own === 'string' ? own : error.name
  })
  return typeof code === 'string' ? code : 'Error'
}

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  const message = safely(() => {
    if (error instanceof Error) return String(error.message)
    return typeof error === 'string' ? error : describe(error)
  })
  if (message === undefined) return 'What was thrown cannot be read: its own message throws'
  return message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message
}

/** What reading a property of the host's error gives; undefined when that throws. The failure of one day must not end the whole run. */
function safely<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
