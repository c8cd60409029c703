import { datesBetween } from '../calendar/date-range.ts'
import type { ActiveRun } from './active-run.ts'
import { emptyStep, type RecordedFailure } from './checkpoint.ts'
import { commitStep } from './commit-step.ts'
import type { RecalcFailure } from './failure.ts'
import { withUnits } from './units/unit-runner.ts'

/**
 * Gives each day that waits behind a failed one a failure of its own, for a run whose days do not build on each other.
 *
 * Only jobs of the first release have such failures. It did not write down how days build on each other, so they were taken
 * for days that do.
 */
export async function separateFailures<Tx>(run: ActiveRun<Tx>, failures: readonly RecordedFailure[]): Promise<void> {
  const joint = failures.filter(({ date, through }) => date !== through)
  if (joint.length === 0) return
  await withUnits(run, async (owner) => {
    for (const failure of joint) {
      const committed = await commitStep(owner, { ...emptyStep, resolved: [failure], failures: daysOf(failure) })
      if (!committed) return
    }
  })
}

function daysOf({ number: _, ...failure }: RecordedFailure): readonly RecalcFailure[] {
  const { date, through } = failure
  if (date === null || through === null) return [failure]
  return datesBetween(date, through).map((day) => ({ ...failure, date: day, through: day }))
}
