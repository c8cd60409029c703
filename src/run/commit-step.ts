import type { ActiveRun } from './active-run.ts'
import { type Step, StepSavedBefore } from './checkpoint.ts'
import { attempt } from './units/attempts.ts'
import { inUnitOfWork, type UnitOwner } from './units/unit-runner.ts'

/**
 * Writes down a step that no calculation belongs to.
 *
 * @returns false when the run was stopped before that.
 */
export async function commitStep<Tx>(owner: UnitOwner<Tx>, step: Step): Promise<boolean> {
  const { run } = owner
  const save = savingOnce(run, step)
  const done = await attempt('failure', run, async () => {
    await unlessSavedBefore(() =>
      inUnitOfWork(owner, [], async (unit) => {
        unit.committed = await save(unit.tx)
      }),
    )
    run.journal.committed(step, undefined)
    return true
  })
  return done ?? false
}

/** Saves a step, and says so when an earlier attempt has got as far as its commit. */
export function savingOnce<Tx>({ journal }: ActiveRun<Tx>, step: Step) {
  let repeated = false
  return async (tx: Tx) => {
    const afterCommit = await journal.save(tx, { ...step, repeated })
    repeated = true
    return afterCommit
  }
}

/** Does a unit of work, unless it turns out that its step is saved already. */
export async function unlessSavedBefore(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof StepSavedBefore)) throw error
  }
}
