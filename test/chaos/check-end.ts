import { expect } from 'vitest'
import type { JobEvent, JobSnapshot } from '../../src/index.ts'
import { expectOrderlyEvents } from '../support/orderly-events.ts'
import { FROM, type Office, TABLES } from './office.ts'
import { differences } from './pipeline.ts'

/**
 * Checks what a completed job leaves: the rows of a plain loop, right counters, events in order, no broken rule.
 *
 * @param isAlone False: a call beside the job may have skipped days as well, and nobody knows here which of the two did.
 * @returns the number of events.
 */
export async function checkEnd(office: Office, job: JobSnapshot, isAlone: boolean): Promise<number> {
  const { employees, dates, before, closings, database } = office
  const isSkipped = (key: string) => closings.isSkipped(key)
  expect(differences(office.pipeline, database, { employees, dates, before, isSkipped })).toEqual([])
  const total = employees.length * dates.length
  const skipped = isAlone ? closings.skippedDays : job.skippedDays
  expect(job).toMatchObject({
    totalDays: total,
    skippedDays: skipped,
    processedDays: total - skipped,
    failedDays: 0,
    errorCount: 0,
    result: { status: 'completed', failedDays: 0, errorCount: 0, errors: [] },
  })
  const events = await eventsOf(office, job.id)
  expectOrderlyEvents(events)
  expect(events.at(-1)?.type).toBe('completed')
  expect(database.misuse).toEqual([])
  expect(database.lockedKeys).toEqual([])
  for (const table of TABLES) expect(database.rows(table).get(`other-tenant/e0/${FROM}`)).toBe(1)
  return events.length
}

async function eventsOf({ jobs }: Office, jobId: string): Promise<readonly JobEvent[]> {
  const events: JobEvent[] = []
  for (let after = 0; ; ) {
    const page = await jobs.events(jobId, { after, limit: 500 })
    events.push(...page)
    if (page.length < 500) return events
    after = page.at(-1)?.seq ?? after
  }
}
