import type { Kysely, Transaction } from 'kysely'
import { dayStage, RecalcService } from 'recalc-service'
import { type SqlBackend, sqlBackend } from 'recalc-service/sql'
import { beforeAll, describe, expect, test } from 'vitest'
import { testDatabase } from '../support/mariadb.ts'
import { engines } from './support/engines.ts'

/** Names that hosts have or could be fed: all different, though some look or sort alike. */
const names = [
  `'; drop table recalc_jobs; --`,
  `"quotes" 'and' \`ticks\``,
  'back\\slashes\\',
  '100% _ ? :a $1 #',
  'two\nlines\r\n and\ta tab\u0000 and a null',
  '漢字 👩🏽‍🚀',
  'right-to-left \u202E gnirts \u200F עברית',
  'x'.repeat(255),
  'y'.repeat(5_000),
  `${'y'.repeat(5_000)} `,
  'anna',
  'Anna',
  'ANNA',
  'änna',
  'a\u0308nna',
  'anna ',
  ' anna',
  'anna\u200B',
  'strasse',
  'straße',
  '1',
  '01',
  '__proto__',
].sort()

const western = {
  name: 'MariaDB through a connection in Latin-1',
  async open() {
    const database = await testDatabase()
    return { connect: <Tables>() => database.kysely<Tables>({ charset: 'latin1' }) }
  },
}

describe.each([...engines, western])('names that databases stumble over, on $name', async ({ open }) => {
  const database = await open()
  const kysely: Kysely<object> = database.connect()
  const backend: SqlBackend<Transaction<object>> = sqlBackend(kysely)
  let done: string[] = []
  const stage = dayStage<string, null, Transaction<object>>({
    name: 'names',
    title: 'Remembering names',
    reads: {},
    writes: ['names'],
    load: async () => null,
    calculate({ tenantId, employeeId }) {
      if (employeeId === `of ${tenantId}: anna`) throw new RangeError(`not this one, ${names[0]}`)
      return `${tenantId}/${employeeId}`
    },
    async save({ upserts }) {
      done.push(...upserts.map(({ value }) => value))
    },
  })
  const recalc = new RecalcService<Transaction<object>>({
    stages: [stage],
    employees: {
      async listEmployees({ tenantId, after, limit }) {
        const ids = names.map((name) => `of ${tenantId}: ${name}`).sort()
        return ids
          .filter((id) => after === undefined || id > after)
          .slice(0, limit)
          .map((id) => ({ id }))
      },
    },
    backend,
    block: { employees: 3 },
    concurrency: 2,
  })
  const day = { from: '2025-01-01', to: '2025-01-01' }

  beforeAll(() => backend.migrate())

  test('every tenant’s job calculates each of its employees once, lists the one that failed, and no other tenant’s', async () => {
    for (const tenantId of names) {
      done = []
      const job = await recalc.triggerRecalcAllAsync({ tenantId, ...day }, { reason: tenantId })
      const result = await job.result
      const failed = `of ${tenantId}: anna`
      expect(result).toMatchObject({ status: 'completed_with_errors', processedDays: names.length - 1, failedDays: 1 })
      expect(result.errors).toMatchObject([{ employeeId: failed, message: `not this one, ${names[0]}` }])
      const expected = names.map((name) => `${tenantId}/of ${tenantId}: ${name}`)
      expect(done.sort()).toEqual(expected.filter((value) => value !== `${tenantId}/${failed}`).sort())
    }
    for (const tenantId of names) {
      const jobs = await recalc.listJobs({ tenantId })
      expect(jobs.map((job) => [job.tenantId, job.reason])).toEqual([[tenantId, tenantId]])
      const job = await recalc.openJob(jobs[0]!.id)
      const failures: (string | null)[] = []
      for await (const event of job.events()) if (event.type === 'failure') failures.push(event.employeeId)
      expect(failures).toEqual([`of ${tenantId}: anna`])
    }
  })

  test('a job for named employees, taken up after its end, still means exactly those', async () => {
    const tenantId = names[0]!
    const ids = names.map((name) => `of ${tenantId}: ${name}`)
    const job = await recalc.triggerRecalcBatchAsync({ tenantId, employeeIds: ids, ...day })
    expect(await job.result).toMatchObject({ totalDays: ids.length, failedDays: 1 })
    done = []
    const again = await (await recalc.resumeJob(job.id)).result
    expect(again).toMatchObject({
      status: 'completed_with_errors',
      totalDays: ids.length,
      failedDays: 1,
      errorCount: 1,
    })
    expect(done).toEqual([])
    expect(await job.cancel(tenantId)).toBe(false)
  })

  test('a job’s id that is none finds none', async () => {
    const [listed] = await recalc.listJobs({ limit: 1 })
    const job = await recalc.getJob(listed!.id)
    for (const id of [...names, job.id.toUpperCase(), ` ${job.id}`, `${job.id} `, `${job.id}'`, `${job.id}%`]) {
      for (const method of ['getJob', 'openJob', 'cancelJob', 'resumeJob'] as const) {
        await expect(recalc[method](id), JSON.stringify(id)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' })
      }
      expect(await recalc.getJob(job.id)).toEqual(job)
    }
  })
})
