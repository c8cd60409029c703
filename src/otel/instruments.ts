import type { Meter } from '@opentelemetry/api'

/** Bounds of histograms in seconds: from a statement to a long job. */
const SHORT = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const LONG = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 1_800, 3_600, 7_200]

/** Everything that is measured; `docs/telemetry.md` says what each one tells. */
export function instrumentsOf(meter: Meter) {
  const seconds = (name: string, description: string, bounds: number[]) =>
    meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries: bounds } })
  return {
    days: meter.createCounter('recalc.days', {
      unit: '{day}',
      description: 'Employee-days of committed blocks, by what became of them',
    }),
    runSeconds: seconds('recalc.run.duration', 'How long runs take, of jobs and of synchronous calls', LONG),
    settleSeconds: seconds('recalc.settle.duration', 'How long it takes to settle some employees', SHORT),
    blockSeconds: seconds('recalc.block.duration', 'How long attempts of blocks take', SHORT),
    stageSeconds: seconds('recalc.stage.duration', "How long calls of the host's code take", SHORT),
    lockSeconds: seconds('recalc.lock.wait.duration', 'How long blocks wait before they can begin', SHORT),
    retries: meter.createCounter('recalc.retries', {
      unit: '{retry}',
      description: 'Attempts that met a transient error and are made again',
    }),
    leaseLosses: meter.createCounter('recalc.lease.losses', {
      unit: '{loss}',
      description: 'Jobs that were given up because their lease was lost',
    }),
  } as const
}

/** What is asked for whenever metrics are collected. */
export function gaugesOf(meter: Meter) {
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(name, { unit, description })
  return {
    jobs: gauge('recalc.jobs', '{job}', 'Jobs that have not ended, by status; at most 1,000 of each are counted'),
    queueAge: gauge('recalc.jobs.queue.age', 's', 'How long the job has waited that waits the longest for a worker'),
    changes: gauge('recalc.changes', '{change}', 'Changes that are not settled, by state'),
    dirtyEmployees: gauge('recalc.changes.employees', '{employee}', 'Employees with changes that are not settled'),
    oldestChange: gauge('recalc.changes.oldest.age', 's', 'The age of the oldest change that waits or fails'),
  } as const
}
