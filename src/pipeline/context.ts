import type { IsoDate } from '../calendar/iso-date.ts'
import type { DayKey } from './employee-day.ts'

/** pino's shape: an object of fields, then a message. */
export interface Logger {
  /** For who looks for a fault. */
  debug(fields: object, message: string): void
  /** What happens in the normal course of things. */
  info(fields: object, message: string): void
  /** What is odd, and harmless alone. */
  warn(fields: object, message: string): void
  /** What somebody should look at. */
  error(fields: object, message: string): void
  /** A logger that adds `fields` to each line; where there is none, the library adds them itself. */
  child?(fields: object): Logger
}

/** Which run a calculation belongs to. */
export interface RunIdentity {
  /** The job's id; of a run without a job a random one. */
  readonly id: string
  /** `settle`: changes that were noted are settled. */
  readonly kind: 'day' | 'range' | 'batch' | 'all' | 'settle'
  /** The first date of the request; of a settle that of the block. */
  readonly from: IsoDate
  /** The last date of the request, inclusive. */
  readonly to: IsoDate
}

/** What a calculator gets beside its day. */
export interface CalcContext<Tx = unknown> {
  /** The open unit of work; everything a calculator writes must go through it. */
  readonly tx: Tx
  /** The tenant's IANA time zone, as it was when the run was made. */
  readonly zone: string
  /**
   * The IANA time zone of an employee: what the service's `zone` function gives for them, or the tenant's where that is a
   * fixed one. Each employee is asked for once a run, as long as they are worked on.
   *
   * It rejects with whatever the function throws, with an `InvalidOptionsError` when that gives no zone, with a
   * `CallTimeoutError` when it takes longer than `leaseMs`: let it fail the day.
   */
  zoneOf(employeeId: string): Promise<string>
  /**
   * The instants between which a day lies, as the library's own `dayBounds` gives them, with the service's `dayStartsAt`. In
   * the tenant's zone unless another is given, such as that of {@link CalcContext.zoneOf}.
   *
   * @example
   * const { start, end } = context.dayBounds(date, await context.zoneOf(employeeId))
   */
  dayBounds(
    date: IsoDate | string,
    zone?: string,
  ): {
    /** The first instant of the day. */
    start: Date
    /** The first instant after the day. */
    end: Date
  }
  /** The day that an instant belongs to, the inverse of {@link CalcContext.dayBounds}. */
  dateOf(instant: Date, zone?: string): IsoDate
  /** Aborts when the caller gave up or the stage's time is up. Pass it to everything that waits. */
  readonly signal: AbortSignal
  /** 1 on the first try, higher after transient errors. */
  readonly attempt: number
  /** The service's logger; within a job a child with `jobId` and `tenantId`. */
  readonly logger: Logger
  /** Which run the calculation belongs to. */
  readonly run: RunIdentity
  /** The service's clock. */
  now(): Date
  /**
   * Calls something once the unit of work has committed, such as a trigger for another employee, or a message to another
   * system; not when it is rolled back. Calls are made in order. An error is logged and undoes nothing; a crash right after
   * the commit loses the call.
   */
  afterCommit(call: () => unknown): void
}

declare const calculated: unique symbol

/** A day stage whose values a later stage reads. */
export interface Calculation<Value> {
  /** The name of the stage. */
  readonly name: string
  /** Exists only in the type: it carries the type of the values. */
  readonly [calculated]?: Value
}

/** What a day stage's `load`, `stored` and `save` get beside their block. */
export interface StageContext<Tx = unknown> extends CalcContext<Tx> {
  /**
   * What an earlier day stage has just calculated for this block. A day without a row is there as `null`; a day that is
   * closed or failed is missing.
   *
   * @throws {PipelineError} when it is no earlier day stage, or when this one does not read it.
   */
  valuesOf<Value>(stage: Calculation<Value>): ReadonlyMap<DayKey, Value | null>
}

/** What a tenant stage gets. It runs once, after every employee-day of the run. */
export interface TenantContext<Tx = unknown> extends CalcContext<Tx> {
  /** Whose data. */
  readonly tenantId: string
  /** Whose days the run is about, ascending; `null`: everybody whom the employee repository lists. */
  readonly employeeIds: readonly string[] | null
  /** First date of the run, inclusive. */
  readonly from: IsoDate
  /** Last date of the run, inclusive. */
  readonly to: IsoDate
}
