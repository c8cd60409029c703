import { type DateInterval, datesBetween } from '../../calendar/date-range.ts'
import type { ActiveRun } from '../active-run.ts'
import type { BlockCalculator } from '../blocks/block-calculator.ts'
import type { LaneCheckpoint } from '../checkpoint.ts'
import type { Employee } from '../plan/host-contracts.ts'
import { readOutside } from '../units/read-outside.ts'
import { Lane } from './lane.ts'

/** A lane of a run, as it goes on from where its checkpoint says. */
export async function restoredLane<Tx>(
  run: ActiveRun<Tx>,
  calculator: BlockCalculator<Tx>,
  { employeeIds, from, to, ...lane }: LaneCheckpoint,
): Promise<Lane> {
  const employees = employeeIds.map((id) => ({ id }))
  // What an open repair lane is about to do has failed, and is no reason not to do it.
  const asksFailed = calculator.periodStages !== undefined && lane.kind !== 'repair'
  const failedDays = asksFailed ? await failedDaysOf(run, employees) : undefined
  return laneOfRun(run, calculator, { ...lane, employees, dates: datesBetween(from, to), failedDays })
}

/** A new lane of a run. */
export function laneOfRun<Tx>(
  { plan }: Pick<ActiveRun<Tx>, 'plan'>,
  { blocksLater, periodsBeforeDays = [] }: BlockCalculator<Tx>,
  lane: Omit<ConstructorParameters<typeof Lane>[0], 'tenantId' | 'blocksLater' | 'periodsBeforeDays' | 'since'>,
): Lane {
  const { tenantId, from: since } = plan
  return new Lane({ ...lane, tenantId, since, blocksLater, periodsBeforeDays })
}

/** Where days of these employees have failed by now, or wait for such: their periods are left as they are. */
export async function failedDaysOf<Tx>(
  run: ActiveRun<Tx>,
  employees: readonly Employee[],
): Promise<ReadonlyMap<string, readonly DateInterval[]>> {
  const failures = await readOutside(run, () => run.journal.failuresOf(employees.map(({ id }) => id)))
  const days = failures.flatMap(({ employeeId, date, through, period }) =>
    period || employeeId === null || date === null ? [] : [{ employeeId, from: date, to: through ?? date }],
  )
  return Map.groupBy(days, ({ employeeId }) => employeeId)
}
