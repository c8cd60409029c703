import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Transaction } from 'kysely'
import { afterAll, expect, test } from 'vitest'
import { openSqlite } from '../../examples/shared/database/sqlite.ts'
import { RecalcService, ServiceStoppedError } from '../../src/index.ts'
import { sqlBackend } from '../../src/sql/index.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { gate } from '../support/gate.ts'

type Empty = Record<never, never>
const REQUEST = { tenantId: 'acme', from: '2025-01-01', to: '2025-01-02' }
const folder = mkdtempSync(join(tmpdir(), 'recalc-stop-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A service with a connection of its own; `arrive` is called before its employees are listed. */
async function office(arrive: () => Promise<void> = async () => {}) {
  const db = openSqlite<Empty>(join(folder, 'jobs.sqlite'))
  const clock = manualClock({ start: Date.now() })
  const errors: string[] = []
  const note = (_: object, message: string) => errors.push(message)
  const logger = { debug() {}, info() {}, warn: note, error: note }
  const backend = sqlBackend(db, { clock, logger })
  await backend.migrate()
  const employees = {
    async listEmployees({ after }: { after?: string }) {
      await arrive()
      return after ? [] : [{ id: 'ada' }]
    },
  }
  const dailyCalc = { async calculateDay() {} }
  const recalc = new RecalcService<Transaction<Empty>>({
    dailyCalc,
    employees,
    backend,
    clock,
    logger,
  })
  return { db, clock, recalc, errors }
}

test('listeners and readers hear the end of a job although the service is stopped and the database closed right after', async () => {
  const { db, recalc, errors } = await office()
  const job = await recalc.triggerRecalcAllAsync(REQUEST)
  const heard: string[] = []
  job.on('completed', () => heard.push('listener'))
  const reader = (async () => {
    for await (const { type } of job.events()) if (type === 'completed') heard.push('reader')
  })()
  await job.result
  await recalc.stop()
  await db.destroy()
  await reader
  expect(heard.sort()).toEqual(['listener', 'reader'])
  expect(errors).toEqual([])
})

test('a service that stops no longer watches the job of another one: readers end, and no timer is left', async () => {
  const door = gate()
  const worker = await office(() => door.pass())
  const job = await worker.recalc.triggerRecalcAllAsync(REQUEST)
  await door.arrived
  const watcher = await office()
  const opened = await watcher.recalc.openJob(job.id)
  opened.on('progress', () => {})
  const result = opened.result
  const refused = expect(result).rejects.toThrow(ServiceStoppedError)
  await watcher.recalc.stop()
  await refused
  expect(watcher.clock.pending).toBe(0)
  await watcher.db.destroy()
  expect(watcher.errors).toEqual([])
  door.open()
  await job.result
  await worker.recalc.stop()
  await worker.db.destroy()
})
