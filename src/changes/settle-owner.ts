import { randomUUID } from 'node:crypto'
import { fromEpochDay } from '../calendar/epoch-day.ts'
import type { RunIdentity } from '../pipeline/context.ts'
import type { BlockCalculator } from '../run/blocks/block-calculator.ts'
import type { CalcOwner } from '../run/blocks/calc-context.ts'
import { calculatorOf } from '../run/blocks/calculator-of.ts'
import type { RetryNotice } from '../run/journal.ts'
import { type RunCalendar, runCalendar } from '../run/plan/run-calendar.ts'
import type { RunControl } from '../run/run-control.ts'
import type { Operation } from '../run/telemetry.ts'
import { inUnitOfWork, type OpenUnit, withUnits } from '../run/units/unit-runner.ts'
import { SYNCHRONOUS, type UnitRank } from '../run/units/unit-slots.ts'
import type { ChangesSettings } from './changes-settings.ts'

/** Whoever settles: with what, on whose behalf, and until when. */
export interface SettleOwner<Tx> {
  readonly settings: ChangesSettings<Tx>
  readonly control: RunControl
  readonly rank: UnitRank
  /** Undefined where there are only tenant stages. */
  readonly calculator: BlockCalculator<Tx> | undefined
  readonly journal: { retrying(notice: RetryNotice, err: unknown): void }
}

export function settleOwner<Tx>(settings: ChangesSettings<Tx>, control: RunControl, rank: UnitRank): SettleOwner<Tx> {
  const { wholePass, block, logger } = settings
  const retrying = ({ stage, attempt, delayMs }: RetryNotice, err: unknown) =>
    logger.warn({ stage, attempt, delayMs, err }, 'Transient error, trying again')
  return { settings, control, rank, calculator: calculatorOf(wholePass, block.days, settings), journal: { retrying } }
}

/** A settle, as telemetry sees it. */
export function settleOperation<Tx>({ rank }: SettleOwner<Tx>, tenantId: string, employees: number): Operation {
  return { type: 'settle', tenantId, employees, isAwaited: rank === SYNCHRONOUS }
}

/** Where a tenant's changes are settled. */
export interface SettleCalendar {
  readonly tenantId: string
  /** The tenant's. */
  readonly zone: string
  readonly dayStartsAt: string
  readonly calendar: RunCalendar
}

/** Asks for the tenant's zone, outside of any unit of work. `most` employees' zones are remembered. */
export async function settleCalendar<Tx>(
  { settings, control }: SettleOwner<Tx>,
  tenantId: string,
  most: number,
): Promise<SettleCalendar> {
  const { zones, dayStartsAt } = settings
  const zone = await zones.ofTenant(tenantId, control.stopping, undefined)
  const place = { tenantId, zone, dayStartsAt }
  return { ...place, calendar: runCalendar(zones, place, { stopping: () => control.stopping, most }) }
}

/** A settle as calculators see it. */
export function calcOwner<Tx>(
  { settings }: SettleOwner<Tx>,
  { zone, calendar }: SettleCalendar,
  first: number,
  last: number,
): CalcOwner<Tx> {
  const identity: RunIdentity = { id: randomUUID(), kind: 'settle', from: fromEpochDay(first), to: fromEpochDay(last) }
  return { settings, identity, calendar, plan: { zone }, now: () => new Date(settings.clock.now()) }
}

/** Does something in one unit of work that holds the given employees in this process. */
export function inSettleUnit<Tx, T>(
  owner: SettleOwner<Tx>,
  keys: readonly string[],
  work: (unit: OpenUnit<Tx>) => Promise<T>,
): Promise<T> {
  return withUnits<Tx, SettleOwner<Tx>, T>(owner, (units) => inUnitOfWork(units, keys, work))
}
