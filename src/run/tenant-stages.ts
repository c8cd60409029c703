import type { TenantStage } from '../pipeline/stages.ts'
import { attempt } from './attempts.ts'
import { callStage } from './blocks/stage-call.ts'
import { StageFailure } from './blocks/stage-failure.ts'
import { emptyStep, type FailureKey, type Step, StepSavedBefore } from './checkpoint.ts'
import { employeeLocks, lockKeys, WHOLE_TENANT } from './employee-locks.ts'
import type { AfterCommit } from './journal.ts'
import { endsRun, type LaneRun } from './lanes/lane-runner.ts'
import type { RunPlan } from './plan/run-plan.ts'
import { failureOf } from './result.ts'

/**
 * Runs the tenant stages in order, each in a unit of work of its own, two runs of one tenant never at the same time.
 *
 * Those that are done are not run again, unless an earlier one still has to be: they may build on it.
 */
export async function runTenantStages<Tx>(
  run: LaneRun<Tx>,
  plan: RunPlan,
  progress: { readonly done: number; readonly failedStages: readonly FailureKey[]; readonly firstPhase: number },
): Promise<void> {
  let inOrder = true
  const stages = run.selection.tenantStages
  for (let i = progress.done; i < stages.length && !run.control.stopped; i++) {
    const stage = stages[i] as TenantStage<Tx>
    run.journal.phase({ number: progress.firstPhase + i, name: stage.name, title: stage.title })
    const settled = progress.failedStages.filter((failure) => failure.stage === stage.name)
    const done = inOrder ? { tenantStagesDone: i + 1 } : {}
    try {
      await commitStage(run, plan, stage, { ...emptyStep, ...done, settled })
    } catch (thrown) {
      if (run.control.stopped) return
      if (endsRun(thrown) || !(thrown instanceof StageFailure)) throw thrown
      const failure = failureOf(thrown, { employeeId: null, date: null, stage: stage.name })
      inOrder = false
      await commitFailure(run, { ...emptyStep, settled, failures: [failure] })
      run.onFailures([failure])
    }
  }
}

async function commitStage<Tx>(run: LaneRun<Tx>, plan: RunPlan, stage: TenantStage<Tx>, step: Step): Promise<void> {
  const { settings, control, journal } = run
  const { unitOfWork } = settings
  const { tenantId, employeeIds, from, to, zone } = plan
  const locks = employeeLocks(unitOfWork)
  const keys = lockKeys(tenantId, [WHOLE_TENANT])
  const save = savingOnce(run, step)
  await attempt(stage.name, run, async (number) => {
    const turn = locks.acquire(keys, control)
    if (turn) await turn
    try {
      const afterCommit = await unitOfWork.run(async (tx) => {
        await unitOfWork.lockEmployees(tx, tenantId, [WHOLE_TENANT])
        const base = { tx, zone, signal: control.signal, attempt: number, logger: settings.logger, now: run.now }
        await callStage(stage.name, { ...base, tenantId, employeeIds, from, to }, settings, (context) =>
          stage.run(context),
        )
        return await save(tx)
      })
      afterCommit?.()
    } catch (error) {
      if (!(error instanceof StepSavedBefore)) throw error
    } finally {
      locks.release(keys)
    }
    journal.committed(step, undefined)
  })
}

async function commitFailure<Tx>(run: LaneRun<Tx>, step: Step): Promise<void> {
  const save = savingOnce(run, step)
  await attempt('failure', run, async () => {
    try {
      const afterCommit = await run.settings.unitOfWork.run(save)
      afterCommit?.()
    } catch (error) {
      if (!(error instanceof StepSavedBefore)) throw error
    }
    run.journal.committed(step, undefined)
  })
}

/** Saves a step, and says so when an earlier attempt has got as far as its commit. */
function savingOnce<Tx>({ journal }: LaneRun<Tx>, step: Step): (tx: Tx) => Promise<AfterCommit | undefined> {
  let repeated = false
  return async (tx) => {
    const afterCommit = await journal.save(tx, { ...step, repeated })
    repeated = true
    return afterCommit
  }
}
