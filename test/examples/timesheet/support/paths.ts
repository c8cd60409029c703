import { installCapture, uninstallCapture } from 'recalc-service/sql'
import { capturedSources } from '../../../../examples/timesheet/captured-sources.ts'
import type { Database, Tx } from '../../../../examples/timesheet/schema/tables.ts'
import type { JobHandle, RecalcService } from '../../../../src/index.ts'
import { nextDate } from '../oracle/zone.ts'
import { TENANT } from './office.ts'

/** What a way of calculating gets: everybody's days, from the first to the last. */
interface Work {
  readonly db: Database
  readonly timesheet: RecalcService<Tx>
  readonly employees: readonly string[]
  readonly from: string
  readonly to: string
  /** Edits the sources. */
  edit(): Promise<void>
}

type Path = (work: Work) => Promise<void>

async function edited(work: Work): Promise<Work & { readonly tenantId: string }> {
  await work.edit()
  return { ...work, tenantId: TENANT }
}

async function completed(handle: Promise<JobHandle>): Promise<void> {
  const { status } = await (await handle).result
  if (status !== 'completed') throw new Error(`Expected the job to be completed, it is ${status}`)
}

async function everyDay(
  { employees, from, to }: Work,
  calculate: (employeeId: string, date: string) => Promise<unknown>,
): Promise<void> {
  for (const employeeId of employees) {
    for (let date = from; date <= to; date = nextDate(date)) await calculate(employeeId, date)
  }
}

/** Every way in which what follows from edits is calculated. */
export const paths: Readonly<Record<string, Path>> = {
  async day(work) {
    const { timesheet, tenantId } = await edited(work)
    await everyDay(work, (employeeId, date) => timesheet.triggerRecalc({ tenantId, employeeId, date }))
  },

  async 'day, as jobs'(work) {
    const { timesheet, tenantId } = await edited(work)
    await everyDay(work, (employeeId, date) => completed(timesheet.triggerRecalcAsync({ tenantId, employeeId, date })))
  },

  async range(work) {
    const { timesheet, tenantId, employees, from, to } = await edited(work)
    for (const employeeId of employees) await timesheet.triggerRecalcRange({ tenantId, employeeId, from, to })
  },

  async 'range, as jobs'(work) {
    const { timesheet, tenantId, employees, from, to } = await edited(work)
    for (const employeeId of employees) {
      await completed(timesheet.triggerRecalcRangeAsync({ tenantId, employeeId, from, to }))
    }
  },

  async batch(work) {
    const { timesheet, tenantId, employees: employeeIds, from, to } = await edited(work)
    await timesheet.triggerRecalcBatch({ tenantId, employeeIds, from, to })
  },

  async 'batch, as a job'(work) {
    const { timesheet, tenantId, employees: employeeIds, from, to } = await edited(work)
    await completed(timesheet.triggerRecalcBatchAsync({ tenantId, employeeIds, from, to }))
  },

  async all(work) {
    const { timesheet, tenantId, from, to } = await edited(work)
    await timesheet.triggerRecalcAll({ tenantId, from, to })
  },

  async 'all, as a job'(work) {
    const { timesheet, tenantId, from, to } = await edited(work)
    await completed(timesheet.triggerRecalcAllAsync({ tenantId, from, to }))
  },

  async "in the host's transaction"({ db, timesheet, employees, from, to, edit }) {
    await edit()
    for (const employeeId of employees) {
      const request = { tenantId: TENANT, employeeId, from, to }
      await db.transaction().execute((tx) => timesheet.triggerRecalcRange(request, { tx }))
    }
  },

  async 'settled, noted by hooks'({ db, timesheet, edit }) {
    await edit()
    await db.transaction().execute((tx) => timesheet.noteChange(tx, { tenantId: TENANT, table: 'employees' }))
    await timesheet.settle({ tenantId: TENANT })
  },

  async 'settled, noted by triggers'({ db, timesheet, edit }) {
    await installCapture(db, capturedSources(TENANT))
    try {
      await edit()
      await timesheet.settle({ tenantId: TENANT })
    } finally {
      await uninstallCapture(db)
    }
  },

  async 'cancelled and resumed'(work) {
    const { timesheet, tenantId, from, to } = await edited(work)
    const job = await timesheet.triggerRecalcAllAsync({ tenantId, from, to })
    let cancelling: Promise<unknown> | undefined
    for await (const event of job.events()) if (event.type === 'progress') cancelling ??= job.cancel('a test')
    await cancelling?.catch(() => {}) // it may have been over already
    await job.result
    if ((await job.snapshot()).status === 'cancelled') await completed(timesheet.resumeJob(job.id))
  },

  async 'failed and resumed'(work) {
    const { db, timesheet, tenantId, from, to } = await edited(work)
    // Whoever is absent cannot be calculated for the time being.
    const kinds = await db.selectFrom('absence_kinds').selectAll().execute()
    await db.deleteFrom('absence_kinds').execute()
    const job = await timesheet.triggerRecalcAllAsync({ tenantId, from, to })
    const { status } = await job.result
    await db.insertInto('absence_kinds').values(kinds).execute()
    if (status !== 'completed') await completed(timesheet.resumeJob(job.id))
  },
}
