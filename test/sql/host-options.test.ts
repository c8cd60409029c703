import { CamelCasePlugin, Kysely, MysqlDialect, ParseJSONResultsPlugin, sql } from 'kysely'
import { createPool, type PoolOptions } from 'mysql2'
import pg from 'pg'
import { dayStage, InvalidOptionsError, RecalcService } from 'recalc-service'
import { sqlBackend, sqlUnitOfWork } from 'recalc-service/sql'
import { afterAll, describe, expect, test } from 'vitest'
import { testDatabase } from '../support/mariadb.ts'
import { postgresDatabase } from '../support/postgres.ts'
import { engines } from './support/engines.ts'

interface Host {
  dayValues: { tenantId: string; employeeId: string; dayOf: string; value: number }
}

type HostTx = Parameters<Parameters<ReturnType<Kysely<Host>['transaction']>['execute']>[0]>[0]

/**
 * A host in whose Kysely columns are called in camel case; a job fails on a day, is resumed and completes. Then an edit is noted
 * and settled, and what has changed is listed.
 */
async function worksFor(kysely: Kysely<Host>): Promise<void> {
  const backend = sqlBackend(kysely, { history: true })
  await backend.migrate()
  await sql`create table day_values
    (tenant_id varchar(20), employee_id varchar(20), day_of char(10), value int, primary key (tenant_id, employee_id, day_of))`.execute(
    kysely,
  )
  let broken = true
  const stage = dayStage<number, null, HostTx>({
    name: 'values',
    title: 'Values',
    reads: { bookings: [0, 0] },
    writes: ['day_values'],
    load: async () => null,
    calculate({ employeeId, date }) {
      if (broken && employeeId === '2' && date === '2025-01-02') throw new Error('{"not": "parsed"}')
      return Number(employeeId)
    },
    async save({ upserts }, { tx }) {
      for (const { day, value } of upserts) {
        const { date: dayOf, ...of } = day
        await tx.deleteFrom('dayValues').where('dayOf', '=', dayOf).where('employeeId', '=', day.employeeId).execute()
        await tx
          .insertInto('dayValues')
          .values({ ...of, dayOf, value })
          .execute()
      }
    },
  })
  const recalc = new RecalcService<HostTx>({
    stages: [stage],
    backend,
    employees: {
      listEmployees: async ({ after = '', limit }) =>
        ['1', '2', '3']
          .filter((id) => id > after)
          .slice(0, limit)
          .map((id) => ({ id })),
    },
    block: { employees: 1, days: 1 },
  })
  const job = await recalc.triggerRecalcAllAsync({ tenantId: 'acme', from: '2025-01-01', to: '2025-01-04' })
  expect(await job.result).toMatchObject({
    status: 'completed_with_errors',
    totalDays: 12,
    processedDays: 11,
    failedDays: 1,
    errors: [{ employeeId: '2', date: '2025-01-02', message: '{"not": "parsed"}' }],
  })
  // Failing once more leaves every counter as it is.
  const failed = await (await recalc.resumeJob(job.id)).result
  expect(failed).toMatchObject({ status: 'completed_with_errors', processedDays: 11, failedDays: 1, errorCount: 1 })
  broken = false
  const again = await recalc.resumeJob(job.id)
  expect(await again.result).toMatchObject({ status: 'completed', totalDays: 12, processedDays: 12, failedDays: 0 })
  const seqs: number[] = []
  for await (const event of again.events()) {
    expect(event.at).toBeInstanceOf(Date)
    seqs.push(event.seq)
  }
  expect(seqs).toEqual(seqs.map((_, i) => i + 1))
  const { n } = await kysely
    .selectFrom('dayValues')
    .select(({ fn }) => fn.countAll().as('n'))
    .executeTakeFirstOrThrow()
  expect(Number(n)).toBe(12)
  await kysely.transaction().execute((tx) =>
    recalc.noteChange(tx, {
      tenantId: 'acme',
      employeeId: '2',
      table: 'bookings',
      dates: { from: '2025-01-02', to: '2025-01-02' },
    }),
  )
  expect(await recalc.freshness()).toMatchObject({ dirtyEmployees: 1, changes: 1, failing: 0, held: 0 })
  const dirty = await recalc.listDirty({ tenantId: 'acme' })
  expect(dirty).toMatchObject([{ employeeId: '2', content: { table: 'bookings' }, state: 'waiting' }])
  expect(dirty[0]?.notedAt).toBeGreaterThan(0)
  expect(await recalc.settle({ tenantId: 'acme' })).toMatchObject({ days: 1, failed: 0 })
  expect(await recalc.freshness()).toMatchObject({ dirtyEmployees: 0, changes: 0, oldestAt: null })
  const history = await recalc.history({ tenantId: 'acme', employeeId: '2', from: '2025-01-01', to: '2025-01-31' })
  expect(history.length).toBeGreaterThanOrEqual(4)
  for (const { at, after, run } of history) expect([at, after, run]).toEqual([expect.any(Date), 2, expect.any(Object)])
  expect(await backend.purgeJobs({ finishedBefore: new Date(8e15) })).toBe(1)
}

describe.each(engines)('on $name, in the host’s own Kysely', async ({ open }) => {
  const database = await open()

  test('with plugins that rename columns and parse JSON jobs work', async () => {
    const kysely = database.connect<Host>()
    await worksFor(kysely.withPlugin(new CamelCasePlugin()).withPlugin(new ParseJSONResultsPlugin()))
  })
})

describe.each<[string, PoolOptions]>([
  ['that gives big numbers as strings', { supportBigNumbers: true, bigNumberStrings: true, decimalNumbers: true }],
  ['that counts changed rows instead of found ones', { flags: ['-FOUND_ROWS'] }],
  ['that gives dates as strings, in another time zone', { dateStrings: true, timezone: '+09:00' }],
  ['that allows several statements at once', { multipleStatements: true, charset: 'utf8mb4_general_ci' }],
  ['of one connection', { connectionLimit: 1 }],
  ['whose charset knows Western letters only', { charset: 'latin1' }],
  ['whose charset knows no emoji', { charset: 'utf8' }],
  ['that gives everything as text', { typeCast: (field) => field.string() }],
  [
    'that parses JSON by itself',
    { typeCast: (field, next) => (field.type === 'JSON' ? JSON.parse(`${field.string()}`) : next()) },
  ],
  ['that knows names of parameters, too', { namedPlaceholders: true, stringifyObjects: true }],
  [
    'that gives Booleans for small numbers',
    { typeCast: (field, next) => (field.type === 'TINY' ? field.string() === '1' : next()) },
  ],
])('on MariaDB, in a pool %s', async (_, options) => {
  const database = await testDatabase()

  test('jobs work', async () => {
    const pool = createPool({ uri: database.url, ...options })
    const kysely = new Kysely<Host>({ dialect: new MysqlDialect({ pool }), plugins: [new CamelCasePlugin()] })
    try {
      await worksFor(kysely)
    } finally {
      await kysely.destroy()
    }
  })
})

describe.each<[string, PoolOptions]>([
  ['typeCast', { typeCast: false }],
  ['typeCast', { typeCast: (field) => field.buffer() }],
  ['rowsAsArray', { rowsAsArray: true }],
  ['nestTables', { nestTables: true }],
  ['nestTables', { nestTables: '_' }],
])('on MariaDB, a pool whose setting `%s` changes the shape of every row', async (setting, options) => {
  const database = await testDatabase()
  const kysely = new Kysely<Host>({
    dialect: new MysqlDialect({ pool: createPool({ uri: database.url, ...options }) }),
  })
  afterAll(() => kysely.destroy())
  const message = `Expected \`kysely\` to have a pool that gives rows as objects of columns, got one with \`${setting}\``

  test('is refused by migrate()', async () => {
    const refusal = await sqlBackend(kysely)
      .migrate()
      .catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(InvalidOptionsError)
    expect(refusal).toHaveProperty('message', expect.stringContaining(message))
  })

  test('is refused before a job is read', async () => {
    await sqlBackend(database.kysely()).migrate()
    const employees = { listEmployees: async () => [] }
    const recalc = new RecalcService({ backend: sqlBackend(kysely), employees, dailyCalc: { async calculateDay() {} } })
    const refusal = await recalc.listJobs().catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(InvalidOptionsError)
    expect(refusal).toHaveProperty('message', expect.stringContaining(message))
  })
})

describe.each<[string, pg.PoolConfig]>([
  ['that gives big numbers as BigInt', { types: parsers({ 20: BigInt, 1700: Number }) }],
  ['that gives everything as text', { types: { getTypeParser: () => String } }],
  [
    'that gives times and dates as objects of its own',
    { types: parsers({ 1082: toObject, 1114: toObject, 1184: toObject }) },
  ],
  ['of one connection', { max: 1 }],
  [
    'whose sessions speak another dialect',
    {
      options:
        '-c DateStyle=German,DMY -c TimeZone=Asia/Kathmandu -c bytea_output=escape -c standard_conforming_strings=off',
    },
  ],
  ['whose charset knows Western letters only', { options: '-c client_encoding=LATIN1' }],
  ['in which statements are serializable by default', { options: '-c default_transaction_isolation=serializable' }],
])('on PostgreSQL, in a pool %s', async (_, options) => {
  const database = await postgresDatabase()

  test('jobs work', async () => {
    await worksFor(database.kysely<Host>(options).withPlugin(new CamelCasePlugin()))
  })
})

function parsers(own: Readonly<Record<number, (text: string) => unknown>>): pg.CustomTypesConfig {
  return {
    getTypeParser: ((oid: number, format?: 'text') => own[oid] ?? pg.types.getTypeParser(oid, format)) as never, // overloaded
  }
}

function toObject(text: string): unknown {
  return { text }
}

describe('the unit of work on MariaDB', async () => {
  const database = await testDatabase()
  const kysely = database.kysely<{ notes: { id: number; note: string } }>()
  const other = database.kysely<{ notes: { id: number; note: string } }>()

  test('reads what others have committed meanwhile, and locks no gaps', async () => {
    await sql`create table notes (id int primary key, note varchar(20)) engine = InnoDB`.execute(kysely)
    await sql`insert into notes values (1, 'old'), (9, 'nine')`.execute(kysely)
    const seen = await sqlUnitOfWork(kysely).run(async (tx) => {
      const before = await tx.selectFrom('notes').select('note').where('id', '=', 1).execute()
      await other.updateTable('notes').set({ note: 'new' }).where('id', '=', 1).execute()
      const after = await tx.selectFrom('notes').select('note').where('id', '=', 1).execute()
      await tx.deleteFrom('notes').where('id', '>', 2).where('id', '<', 8).execute()
      await other.insertInto('notes').values({ id: 5, note: 'between' }).execute()
      return [...before, ...after].map(({ note }) => note)
    })
    expect(seen).toEqual(['old', 'new'])
  })

  test('leaves the isolation level of the host’s own transactions as it is', async () => {
    const alone = database.kysely<object>({ connectionLimit: 1 })
    const level = () => sql<{ Value: string }>`show variables like '%isolation'`.execute(alone)
    const before = (await level()).rows
    await sqlUnitOfWork(alone).run(async () => {})
    expect((await level()).rows).toEqual(before)
    expect(JSON.stringify(before)).toContain('REPEATABLE-READ')
  })
})
