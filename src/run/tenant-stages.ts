import type { TenantStage } from '../pipeline/stages.ts'
import type { ActiveRun } from './active-run.ts'
import { calcContext } from './blocks/calc-context.ts'
import { callStage } from './blocks/stage-call.ts'
import { StageFailure } from './blocks/stage-failure.ts'
import { emptyStep, type FailureKey, type Step } from './checkpoint.ts'
import { commitStep, savingOnce, unlessSavedBefore } from './commit-step.ts'
import { failureOf } from './failure.ts'
import type { RunPhase } from './journal.ts'
import { endsRun } from './lanes/lane-runner.ts'
import { attempt } from './units/attempts.ts'
import { lockInBackend, lockKeys, WHOLE_TENANT } from './units/employee-locks.ts'
import { inUnitOfWork, type UnitOwner, withUnits } from './units/unit-runner.ts'

/**
 * Runs the tenant stages in order, each in a unit of work of its own, two runs of one tenant never at the same time.
 *
 * They run after the days, also when some of these failed. Those that are done are not run again, unless an earlier one
 * still has to be: they may build on it.
 *
 * @returns whether all of them were run, or had been.
 */
export async function runTenantStages<Tx>(
  run: ActiveRun<Tx>,
  stages: readonly TenantStage<Tx>[],
  progress: {
    /** Names of those that are done. */
    readonly done: readonly string[]
    readonly failedStages: readonly FailureKey[]
    readonly firstPhase: number
    /** A phase begins. */
    begin(phase: RunPhase): void
  },
): Promise<boolean> {
  return await withUnits(run, (owner) => runStages(owner, stages, progress))
}

async function runStages<Tx>(
  owner: UnitOwner<Tx>,
  stages: readonly TenantStage<Tx>[],
  progress: Parameters<typeof runTenantStages>[2],
): Promise<boolean> {
  const { run } = owner
  const wereDone = new Set(progress.done)
  let inOrder = true
  let done: readonly string[] = []
  for (const [i, stage] of stages.entries()) {
    if (inOrder && wereDone.has(stage.name)) {
      done = [...done, stage.name]
      continue
    }
    await run.throttle?.pass(run.control, (reason) => run.journal.waiting(reason))
    if (run.control.stopped) return false
    inOrder = false // whatever follows may build on it
    progress.begin({ number: progress.firstPhase + i, name: stage.name, title: stage.title })
    const resolved = progress.failedStages.filter((failure) => failure.stage === stage.name)
    const tenantStagesDone = [...done, stage.name]
    try {
      const committed = await commitStage(owner, stage, { ...emptyStep, tenantStagesDone, resolved })
      if (!committed) return false
      done = tenantStagesDone
    } catch (thrown) {
      if (run.control.stopped) return false
      if (endsRun(thrown) || !(thrown instanceof StageFailure)) throw thrown
      const failure = failureOf(thrown, { employeeId: null, date: null, stage: stage.name }, 1)
      const committed = await commitStep(owner, { ...emptyStep, resolved, failures: [failure] })
      if (!committed) return false
      run.onFailures([failure])
    }
  }
  return true
}

/** @returns false when the run was stopped before that. */
async function commitStage<Tx>(owner: UnitOwner<Tx>, stage: TenantStage<Tx>, step: Step): Promise<boolean> {
  const { run } = owner
  const { settings, plan } = run
  const { tenantId, employeeIds, from, to } = plan
  const save = savingOnce(run, step)
  const done = await attempt(stage.name, run, async (number) => {
    await unlessSavedBefore(() =>
      inUnitOfWork(owner, lockKeys(tenantId, [WHOLE_TENANT]), async (unit) => {
        await lockInBackend(settings, unit.tx, tenantId, [WHOLE_TENANT])
        const context = { ...calcContext(run, unit, number), tenantId, employeeIds, from, to }
        const settled = await settings.ledger?.takeTenantStage(unit.tx, tenantId, stage.name)
        await callStage(stage.name, 'run', { monitor: unit }, context, settings, (own) => stage.run(own))
        const saved = await save(unit.tx)
        unit.committed = () => {
          settled?.()
          saved?.()
        }
      }),
    )
    run.journal.committed(step, undefined)
    return true
  })
  return done ?? false
}
