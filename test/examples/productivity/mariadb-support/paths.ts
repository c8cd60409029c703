import { addDays, datesBetween, type JobHandle, type RecalcService } from 'recalc-service'
import type { Tx } from '../../../../examples/productivity/schema/tables.ts'
import { everybody, rangeOf, tenantId, type Warehouse } from './changed-warehouse.ts'

/** A service of a process that has just begun. */
type Open = () => RecalcService<Tx>

/** One way of bringing everything up to date. */
export interface Path {
  readonly name: string
  recalculate(open: Open, warehouse: Warehouse): Promise<void>
}

function completed({ status }: { readonly status: string }): void {
  if (status !== 'completed') throw new Error(`Expected the job to be completed, it is ${status}`)
}

/** Cancels a job when its first block is done. */
async function cancelled(job: JobHandle): Promise<string> {
  job.once('progress', () => void job.cancel('to be resumed'))
  return (await job.result).status
}

const range: Path = {
  name: 'range',
  async recalculate(open, warehouse) {
    const recalc = open()
    for (const employeeId of everybody(warehouse)) {
      completed(await recalc.triggerRecalcRange({ tenantId, employeeId, ...rangeOf(warehouse) }))
    }
  },
}

const rangeAsync: Path = {
  name: 'range, asynchronous',
  async recalculate(open, warehouse) {
    const recalc = open()
    const jobs = everybody(warehouse).map((employeeId) =>
      recalc.triggerRecalcRangeAsync({ tenantId, employeeId, ...rangeOf(warehouse) }),
    )
    for (const job of jobs) completed(await (await job).result)
  },
}

const dayByDay: Path = {
  name: 'day by day',
  async recalculate(open, warehouse) {
    const recalc = open()
    const { from, to } = rangeOf(warehouse)
    // From the last one on: a day's rows come from its sources and not from the day before.
    for (const date of datesBetween(from, to).toReversed()) {
      for (const employeeId of everybody(warehouse)) {
        completed(await recalc.triggerRecalc({ tenantId, employeeId, date }))
      }
    }
  },
}

const dayByDayAsync: Path = {
  name: 'day by day, asynchronous',
  async recalculate(open, warehouse) {
    const recalc = open()
    const { from, to } = rangeOf(warehouse)
    for (const date of datesBetween(from, to)) {
      const jobs = everybody(warehouse).map((employeeId) => recalc.triggerRecalcAsync({ tenantId, employeeId, date }))
      for (const job of jobs) completed(await (await job).result)
    }
  },
}

const batch: Path = {
  name: 'batch',
  async recalculate(open, warehouse) {
    completed(await open().triggerRecalcBatch({ tenantId, employeeIds: everybody(warehouse), ...rangeOf(warehouse) }))
  },
}

const batchAsync: Path = {
  name: 'batch, asynchronous, in two halves',
  async recalculate(open, warehouse) {
    const recalc = open()
    const ids = everybody(warehouse).toReversed()
    const { from, to } = rangeOf(warehouse)
    const middle = addDays(from, Math.floor(warehouse.days / 2))
    const halves = [ids.slice(0, ids.length / 2), ids.slice(ids.length / 2)]
    for (const employeeIds of halves) {
      for (const dates of [{ from: middle, to }, ...(middle > from ? [{ from, to: addDays(middle, -1) }] : [])]) {
        completed(await (await recalc.triggerRecalcBatchAsync({ tenantId, employeeIds, ...dates })).result)
      }
    }
  },
}

/** What all the others are compared with. */
export const all: Path = {
  name: 'all',
  async recalculate(open, warehouse) {
    completed(await open().triggerRecalcAll({ tenantId, ...rangeOf(warehouse) }))
  },
}

const allAsync: Path = {
  name: 'all, asynchronous',
  async recalculate(open, warehouse) {
    completed(await (await open().triggerRecalcAllAsync({ tenantId, ...rangeOf(warehouse) })).result)
  },
}

const tableByTable: Path = {
  name: 'table by table',
  async recalculate(open, warehouse) {
    const recalc = open()
    const own = ['employee_current_status', 'employee_primary_roles', 'employee_hourly_costs', 'alerts', 'idle_periods']
    // The cache tells of the status, so it comes after it.
    for (const table of [...own, 'daily_scores', 'cache']) {
      completed(await recalc.triggerRecalcAll({ tenantId, ...rangeOf(warehouse) }, { tables: [table] }))
    }
  },
}

const cancelledAndResumed: Path = {
  name: 'cancelled and resumed, three times',
  async recalculate(open, warehouse) {
    const recalc = open()
    const job = await recalc.triggerRecalcAllAsync({ tenantId, ...rangeOf(warehouse) })
    let status = await cancelled(job)
    for (let times = 1; times < 3 && status === 'cancelled'; times++)
      status = await cancelled(await recalc.resumeJob(job.id))
    if (status === 'cancelled') completed(await (await recalc.resumeJob(job.id)).result)
    else completed({ status })
  },
}

const stoppedAndRecovered: Path = {
  name: 'stopped, and taken up by the next process',
  async recalculate(open, warehouse) {
    const first = open()
    const job = await first.triggerRecalcAllAsync({ tenantId, ...rangeOf(warehouse) })
    job.once('progress', () => void first.stop())
    await job.result
    await first.stop()
    const next = open()
    const { status } = await job.snapshot()
    completed(status === 'interrupted' ? await (await next.resumeJob(job.id)).result : { status })
  },
}

export const paths: readonly Path[] = [
  range,
  rangeAsync,
  dayByDay,
  dayByDayAsync,
  batch,
  batchAsync,
  all,
  allAsync,
  tableByTable,
  cancelledAndResumed,
  stoppedAndRecovered,
]
