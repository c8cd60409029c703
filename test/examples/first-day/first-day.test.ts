import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Kysely, sql } from 'kysely'
import { describe, expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../support/mariadb.ts'
import { postgresDatabase } from '../../support/postgres.ts'

const folder = join(import.meta.dirname, '../../../examples/first-day')
const KEY = 'key-of-an-administrator'
const ALL = { tenant_id: 'acme', start_date: '2025-01-01', end_date: '2025-03-31', tables: ['all'] }

const hosts = [
  { host: 'express-mysql', database: testDatabase },
  { host: 'prisma-postgresql', database: postgresDatabase },
]

describe.each(hosts)('the first day of $host', async ({ host, database }) => {
  const { url, kysely } = await database()
  const db = kysely<never>()

  test('ends with balances, months and closed periods that are right, whatever is edited', async () => {
    await fill(db, host)
    const app = await start(host, url)
    const months = (employee: string) => app.json('GET', `/employees/${employee}/months`)
    const month = (name: string, overtime: number, paid_out: number, carried: number) => ({
      month: `2025-${name}-01`,
      overtime,
      paid_out,
      carried,
    })

    expect(await app.recalculate()).toMatchObject({ status: 'completed', processed_days: 180, failed_days: 0 })
    const march = month('03', 1260, 1260, 1200)
    expect(await months('ada')).toEqual([month('01', 1380, 180, 1200), month('02', 1200, 1200, 1200), march])
    expect(await months('bob')).toEqual([month('02', -150, 0, -150), month('03', -210, 0, -360)])

    await app.book('2025-01-06', { employee_id: 'ada', minutes: 480 })
    expect(await months('ada')).toEqual([month('01', 1320, 120, 1200), month('02', 1200, 1200, 1200), march])

    await app.book('2025-02-10', { employee_id: 'bob', minutes: 540 })
    expect(await months('ada')).toEqual([month('01', 1320, 120, 1200), month('02', 660, 660, 1200), march])
    expect(await months('bob')).toEqual([month('02', 390, 0, 390), month('03', -210, 0, 180)])

    await app.json('PUT', '/employees/ada/closed-months/2025-01-01')
    await app.book('2025-01-07', { employee_id: 'ada', minutes: 0 })
    expect(await months('ada')).toEqual([month('01', 1320, 120, 1200), month('02', 660, 660, 1200), march])
    expect(await app.json('GET', '/api/system/recalculate/freshness')).toMatchObject({ tenants: [{ held: 1 }] })

    await app.json('DELETE', '/employees/ada/closed-months/2025-01-01')
    expect(await months('ada')).toEqual([month('01', 780, 0, 780), month('02', 660, 240, 1200), march])

    // What was settled edit by edit is what a recalculation of everything would give.
    const summary = { type: 'summary', days: 180, changed_days: 0, failed_days: 0, inserts: 0, updates: 0, deletes: 0 }
    expect(await app.json('POST', '/api/system/recalculate/preview', ALL)).toMatchObject(summary)
    expect(await app.end()).toEqual([0, null])
  })
})

/** Two employees with bookings on workdays. A booking's id is its employee's number and its date. */
async function fill(db: Kysely<never>, host: string): Promise<void> {
  const statements = readFileSync(join(folder, host, 'schema.sql'), 'utf8')
    .replaceAll(/^--.*$/gm, '')
    .split(';')
  for (const statement of statements.filter((text) => text.trim() !== '')) await sql.raw(statement).execute(db)
  await sql`insert into employees values ('acme', 'ada', 'Ada', '2025-01-01', '2025-03-31'),
    ('acme', 'bob', 'Bob', '2025-02-10', '2025-03-31')`.execute(db)
  for (let day = Date.parse('2025-01-01'); day <= Date.parse('2025-03-31'); day += 86_400_000) {
    const date = new Date(day).toISOString().slice(0, 10)
    if (new Date(day).getUTCDay() % 6 === 0) continue
    await sql`insert into bookings values ('acme', ${idOf(date)}, 'ada', ${sql.lit(date)}, 540)`.execute(db)
    if (date < '2025-02-10') continue
    await sql`insert into bookings values ('acme', ${-idOf(date)}, 'bob', ${sql.lit(date)}, 470)`.execute(db)
  }
}

function idOf(date: string): number {
  return Number(date.replaceAll('-', ''))
}

async function start(host: string, url: string) {
  const port = await freePort()
  const env = { ...process.env, DATABASE_URL: url, ADMIN_KEY: KEY, PORT: String(port) }
  const child = spawn(process.execPath, [join(folder, host, 'main.ts')], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  const listening = (async () => {
    for await (const line of createInterface(child.stdout)) if (line === 'listening') return
    throw new Error(`${host} ended before it listened`)
  })()
  await listening
  child.stdout.resume()

  async function json(method: string, path: string, body?: object) {
    const headers = { 'X-API-Key': KEY, 'Content-Type': 'application/json' }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text) // of a preview its summary, where nothing would be different
  }

  return {
    json,
    /** Ada's booking of a day is somebody else's from now on, or another one. */
    book: (date: string, booking: object) => json('PUT', `/bookings/${idOf(date)}`, { date, ...booking }),
    /** A job for everybody; its status once it has ended. */
    async recalculate() {
      const { job_id } = await json('POST', '/api/system/recalculate', ALL)
      const stream = await fetch(`http://127.0.0.1:${port}/api/system/recalculate/stream/${job_id}`, {
        headers: { 'X-API-Key': KEY },
      })
      await stream.text() // it ends with the job
      return await json('GET', `/api/system/recalculate/status/${job_id}`)
    },
    async end() {
      child.kill('SIGTERM')
      return await exit
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number } // it listens on a port, not on a pipe
  server.close()
  await once(server, 'close')
  return port
}
