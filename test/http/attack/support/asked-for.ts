import { dayStage, type RecalcBackend } from 'recalc-service'
import type { JobWithPlan } from 'recalc-service/backend'
import { expect } from 'vitest'
import { changedStore } from '../../../jobs/support/changed-store.ts'

/** Two stages, so that tables mean something. */
export const stages = ['daily', 'idle'].map((table) =>
  dayStage<number, undefined, undefined>({
    name: `stage_of_${table}`,
    writes: [table],
    load: async () => undefined,
    calculate: ({ date }) => {
      if (date === '2025-01-03') throw new RangeError('no hours')
      return 1
    },
    save: async () => {},
  }),
)

/** Every job that came to be, in order. */
export interface Register {
  readonly backend: RecalcBackend<undefined>
  readonly made: JobWithPlan[]
}

/** A backend with a register of what is made in it. */
export function registeredBackend(inner: RecalcBackend<undefined>): Register {
  const made: JobWithPlan[] = []
  const backend = changedStore(inner, (jobs) => ({
    async create(record, event, request) {
      const admission = await jobs.create(record, event, request)
      if ('lease' in admission) made.push(record)
      return admission
    },
  }))
  return { backend, made }
}

/** Throws unless the job is what the body, read by nothing but JSON.parse, asks for. */
export function expectAskedFor({ plan, reason }: JobWithPlan, body: Buffer | null): void {
  const asked = JSON.parse((body ?? Buffer.alloc(0)).toString('utf8').replace(/^\ufeff/, '')) as Record<string, unknown>
  const tables = (asked.tables ?? ['all']) as readonly string[]
  const isAll = tables[0] === 'all'
  const ids = asked.employee_ids as readonly string[] | undefined
  expect({
    tenant_id: plan.tenantId,
    start_date: plan.from,
    end_date: plan.to,
    employee_ids: plan.employeeIds,
    kind: plan.kind,
    stages: plan.stages.map(({ name }) => name),
    reason,
    clear_existing: plan.clearExisting,
  }).toEqual({
    tenant_id: asked.tenant_id,
    start_date: asked.start_date,
    end_date: asked.end_date,
    employee_ids: ids === undefined ? null : [...new Set(ids)].sort(),
    kind: ids === undefined ? 'all' : 'batch',
    stages: stages
      .filter(({ writes }) => isAll || writes.some((table) => tables.includes(table)))
      .map(({ name }) => name),
    reason: asked.reason ?? null,
    clear_existing: asked.clear_existing ?? true,
  })
}
