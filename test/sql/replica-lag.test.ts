import { Kysely, MysqlDialect, sql } from 'kysely'
import { createPool } from 'mysql2'
import { InvalidOptionsError } from 'recalc-service'
import { replicaLag } from 'recalc-service/sql'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startMariadb } from '../support/mariadb-server.ts'
import { postgresKysely } from '../support/postgres-kysely.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { sqliteDatabase } from './support/engines.ts'

/** A server and its replica. */
interface Pair {
  readonly source: Kysely<never>
  readonly replica: Kysely<never>
  /** What the source commits from now on, the replica gets, and keeps for later. */
  delay(): Promise<void>
  /** What was kept is done. */
  catchUp(): Promise<void>
}

const mysqlKysely = (uri: string) => new Kysely<never>({ dialect: new MysqlDialect({ pool: createPool({ uri }) }) })

const run = (db: Kysely<never>, statement: string) => sql.raw(statement).execute(db)

const hasSchema = async (db: Kysely<never>, name: string) => {
  const { rows } = await sql`select 1 from information_schema.schemata where schema_name = ${name}`.execute(db)
  return rows.length > 0
}

const pairs: Readonly<Record<string, () => Promise<Pair>>> = {
  async MariaDB() {
    const first = await startMariadb({ settings: ['--log-bin=binlog', '--server-id=1'] })
    const second = await startMariadb({ settings: ['--server-id=2'] })
    for (const server of [first, second]) onTestFinished(() => server.stop())
    const [source, replica] = [mysqlKysely(first.url), mysqlKysely(second.url)]
    const port = new URL(first.url).port
    await run(replica, `change master to master_host = '127.0.0.1', master_port = ${port}, master_user = 'root'`)
    await run(replica, 'start replica')
    const delayed = async (seconds: number) => {
      await run(replica, 'stop replica')
      await run(replica, `change master to master_delay = ${seconds}`)
      await run(replica, 'start replica')
    }
    return { source, replica, delay: () => delayed(3_600), catchUp: () => delayed(0) }
  },
  async PostgreSQL() {
    const first = await startPostgres()
    onTestFinished(() => first.stop())
    const second = await startPostgres({ replicaOf: first.url })
    onTestFinished(() => second.stop())
    const [source, replica] = [first, second].map(({ url }) => {
      const { kysely } = postgresKysely<never>(`${url}/postgres`)
      return kysely
    }) as [Kysely<never>, Kysely<never>]
    return {
      source,
      replica,
      delay: async () => void (await run(replica, 'select pg_wal_replay_pause()')),
      catchUp: async () => void (await run(replica, 'select pg_wal_replay_resume()')),
    }
  },
}

describe('replicaLag', () => {
  test.each(Object.entries(pairs))(
    'on %s gives a reason while the replica is behind, and none once it has caught up',
    async (_, open) => {
      const { source, replica, delay, catchUp } = await open()
      onTestFinished(() => source.destroy())
      onTestFinished(() => replica.destroy())
      const throttle = replicaLag(replica, { aboveMs: 500 })
      const patient = replicaLag(replica, { aboveMs: 3_600_000 })
      await run(source, 'create schema one')
      await expect.poll(() => hasSchema(replica, 'one')).toBe(true) // a replica that never replayed cannot say when
      await expect.poll(throttle).toBe(null)
      await delay()
      await expect.poll(patient).toBe(null) // it is connected again
      await run(source, 'create schema two')
      await expect.poll(throttle).toBe('replica lag')
      expect(await patient()).toBe(null)
      await catchUp()
      await expect.poll(throttle).toBe(null)
      await expect(replicaLag(source, { aboveMs: 0 })()).rejects.toThrow('Expected the database to be a replica')
    },
  )

  test('on MariaDB waits for a replica that does not replicate', async () => {
    const { replica, source } = await pairs.MariaDB!()
    onTestFinished(() => source.destroy())
    onTestFinished(() => replica.destroy())
    await run(replica, 'stop replica')
    expect(await replicaLag(replica, { aboveMs: 3_600_000 })()).toBe('replica lag')
  })

  test('refuses a database without replicas, and limits that are none', () => {
    const { connect } = sqliteDatabase(onTestFinished)
    expect(() => replicaLag(connect(), { aboveMs: 1 })).toThrow(InvalidOptionsError)
    const never = postgresKysely<never>('postgres://127.0.0.1/none').kysely
    expect(() => replicaLag(never, { aboveMs: -1 })).toThrow(InvalidOptionsError)
  })
})
