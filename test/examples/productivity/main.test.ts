import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { INSTANTS, type Tables } from '../../../examples/productivity/schema/tables.ts'
import { withInstants } from '../../../examples/shared/database/instants.ts'
import { openSqlite } from '../../../examples/shared/database/sqlite.ts'
import { testDatabase } from '../../support/mariadb.ts'
import { testRedis } from '../../support/redis.ts'
import { runDemo, startDemo } from './demo/command.ts'
import { derivedPlainly } from './support/derived-rows.ts'

const folder = await mkdtemp(join(tmpdir(), 'recalc-demo-'))
afterAll(() => rm(folder, { recursive: true }))

describe('npm run demo', () => {
  it('settles single edits that nobody noted but triggers, so that recalculating everything then changes nothing', async () => {
    const { code, output } = await runDemo('--live', '--employees', '10', '--days', '6')
    expect(output).toMatch(/^ {2}pay_rates: a rate is raised +[1-9]\d* days settled, fresh after \d+ ms$/m)
    expect(output).toMatch(/^ {2}activity_logs: the same once more +0 days settled, fresh after \d+ ms$/m)
    expect(output).toMatch(/^A full recalculation of 60 days then changes nothing\.$/m)
    expect(code).toBe(0)
  })

  it('shows what a new rule would change, has it changed, and finds that exactly that happened', async () => {
    const { code, output } = await runDemo('--preview', '--employees', '10', '--days', '6')
    expect(output).toMatch(/^Preview: from 2025-03-27 on, [A-Z][a-z ]+ counts [\d.]+ instead of [\d.]+$/m)
    expect(output).toMatch(/^[1-9]\d* of 60 employee-days would change; nothing is written yet\.$/m)
    expect(output).toMatch(/^Done: exactly these [1-9]\d* rows of days changed, and no other\.$/m)
    expect(code).toBe(0)
  })

  it('recalculates a made-up warehouse, tells of every table, and writes nothing the second time', async () => {
    const { code, output, errors } = await runDemo()
    expect(code).toBe(0)
    expect(output).toMatch(
      /^Source rows: 50 employees, 6 role_configs, \d+ pay_rates, \d+ clock_times, [\d,]+ activity_logs\n/,
    )
    expect(output).toMatch(/^completed: 600 of 600 employee-days brought up to date .* 0 failed$/m)
    expect(output).toMatch(/^[1-9]\d* rows in daily_scores: [\d,]+ items, [\d,.]+ points$/m)
    expect(output).toMatch(/^[1-9][\d,]* rows in idle_periods$/m)
    expect(output).toMatch(/^[1-9][\d,]* rows in alerts$/m)
    expect(output).toMatch(/^[1-9]\d* rows in employee_hourly_costs: [\d,.]+ in wages$/m)
    expect(output).toMatch(/^50 rows in employee_primary_roles$/m)
    expect(output).toMatch(/^[1-9]\d* rows in employee_current_status$/m)
    for (const status of ['working', 'idle', 'off']) expect(output).toMatch(new RegExp(`^  ${status} +[1-9]`, 'm'))
    expect(output).toMatch(/\(600 needed no write\)[\s\S]*\nNothing was written\.\n$/)
    expect(errors).toBe('Warning: No Redis is configured: the caches were not refreshed\n'.repeat(2))
    expect(output).not.toContain('Job: ') // nobody could go on with it
  })

  it('serves the back end with its console until it is asked to end', async () => {
    const demo = startDemo('--employees', '3', '--days', '2', '--serve', '--port', '0')
    const [, base] = await demo.until(/^Console: (\S+)\n/m)
    const [, key] = await demo.until(/^API key: (\S+) /m)
    const page = await fetch(base!)
    expect([page.status, page.headers.get('Content-Type')]).toEqual([200, expect.stringContaining('text/html')])
    expect((await fetch(`${base}/jobs`)).status).toBe(401)

    const headers = { 'X-API-Key': key!, 'Content-Type': 'application/json' }
    const body = JSON.stringify({ tenant_id: 'demo', start_date: '2025-03-24', end_date: '2025-03-25' })
    const started = await fetch(base!, { method: 'POST', headers, body })
    expect(started.status).toBe(201)
    const { stream_url: stream } = (await started.json()) as { stream_url: string }
    const events = await (await fetch(new URL(stream, base), { headers })).text()
    expect(events).toMatch(/\nevent: complete\ndata: .*"status":"completed"/)

    demo.signal('SIGTERM')
    expect((await demo.ended).code).toBe(0)
  })

  it('says which port it cannot listen on', async () => {
    const first = startDemo('--employees', '3', '--days', '2', '--serve', '--port', '0')
    const [, port] = await first.until(/^Console: http:\/\/127\.0\.0\.1:(\d+)/m)
    const { code, errors } = await runDemo('--employees', '3', '--days', '2', '--serve', '--port', port!)
    expect(code).toBe(2)
    expect(errors).toContain(`Expected --port to be one that can be listened on, got ${port}`)
  })

  it('works with the rows that are there when it runs a second time', async () => {
    const options = ['--employees', '10', '--days', '3', '--sqlite', join(folder, 'twice.db')]
    expect(await runDemo(...options)).toMatchObject({ code: 0 })
    const { code, output } = await runDemo(...options)
    expect(code).toBe(0)
    expect(output).toMatch(/^Source rows: those that are there already; recalculating 2025-03-24 to 2025-03-26\n/)
    expect(output).toContain('27 of 27 employee-days brought up to date (27 needed no write)')
  })

  it('recalculates only the tables that are asked for', async () => {
    const tables = 'idle_periods,employee_primary_roles'
    const { code, output, errors } = await runDemo('--employees', '10', '--days', '3', '--tables', tables)
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    expect(output).toMatch(/^0 rows in daily_scores[\s\S]*^[1-9]\d* rows in idle_periods$/m)
    expect(output).toMatch(
      /^0 rows in alerts[\s\S]*^9 rows in employee_primary_roles\n0 rows in employee_current_status$/m,
    )
  })

  it('recalculates the files of a folder, seen from now', async () => {
    const data = await mkdtemp(join(folder, 'data-'))
    const files = {
      'role-configs.csv':
        'id,role_name,role_type,multiplier,expected_per_hour,idle_threshold_minutes\n1,Packing,continuous,1.25,,5\n',
      'pay-rates.csv': 'employee_id,effective_from,hourly_rate\nanna,2024-01-01,20.50\nanna,2024-03-02,21\n',
      'clock-times.csv':
        'id,employee_id,clock_in,clock_out,break_minutes\n' +
        '1,anna,2024-03-01T07:00:00Z,2024-03-01T11:00:00Z,0\n2,anna,2024-03-02T07:00:00Z,,0\n',
      'activity-logs.csv':
        'id,employee_id,role_id,window_start,window_end,items_count\n' +
        '1,anna,1,2024-03-01T07:00:00Z,2024-03-01T10:00:00Z,8\n',
    }
    for (const [name, text] of Object.entries(files)) await writeFile(join(data, name), text)
    const range = ['--zone', 'Europe/Amsterdam', '--from', '2024-03-01', '--to', '2024-03-03']
    const { code, output } = await runDemo('--data', data, ...range)
    expect(code).toBe(0)
    expect(output.split('\n').filter((line) => / rows in |^Source rows/.test(line))).toEqual([
      'Source rows: 1 employees, 1 role_configs, 2 pay_rates, 2 clock_times, 1 activity_logs',
      '2 rows in daily_scores: 8 items, 10.00 points',
      '2 rows in idle_periods',
      '3 rows in alerts',
      // 4 hours at 20.50, and the 16 hours for which a forgotten shift counts at 21.
      '2 rows in employee_hourly_costs: 418.00 in wages',
      '0 rows in employee_primary_roles',
      '0 rows in employee_current_status',
    ])
  })

  it('reads a folder again into a database that has its rows, and says what was added, changed and left', async () => {
    const data = await mkdtemp(join(folder, 'data-'))
    const head = 'id,employee_id,clock_in,clock_out,break_minutes\n'
    const shift = (id: number, end: string) => `${id},anna,2024-03-0${id}T07:00:00Z,2024-03-0${id}T${end}:00:00Z,0\n`
    await writeFile(
      join(data, 'role-configs.csv'),
      'id,role_name,role_type,multiplier,expected_per_hour,idle_threshold_minutes\n',
    )
    await writeFile(join(data, 'activity-logs.csv'), 'id,employee_id,role_id,window_start,window_end,items_count\n')
    await writeFile(join(data, 'clock-times.csv'), head + shift(1, '11') + shift(2, '11'))
    const range = ['--zone', 'Europe/Amsterdam', '--from', '2024-03-01', '--to', '2024-03-03']
    const options = ['--data', data, ...range, '--sqlite', join(folder, 'again.db')]
    const told = async () => {
      const { code, output, errors } = await runDemo(...options)
      expect([code, errors]).toEqual([0, expect.not.stringContaining('rror')])
      return output.split('\n').filter((line) => /^Source rows|^ +(employees|clock_times) |^completed/.test(line))
    }
    const all = 'Source rows: 1 employees, 0 role_configs, 2 clock_times, 0 activity_logs'
    expect((await told()).slice(0, 3)).toEqual([
      all,
      '  employees          1        0     0',
      '  clock_times        2        0     0',
    ])
    const [again, , shifts, completed] = await told()
    expect([again, shifts]).toEqual([all, '  clock_times        0        0     2'])
    expect(completed).toContain('3 of 3 employee-days brought up to date (3 needed no write)')
    await writeFile(join(data, 'clock-times.csv'), head + shift(2, '12') + shift(3, '11'))
    const [, employees, changed, recalculated] = await told()
    expect([employees, changed]).toEqual([
      '  employees          0        0     1',
      '  clock_times        1        1     0',
    ])
    expect(recalculated).toContain('3 of 3 employee-days brought up to date (1 needed no write)')
  })

  it('shows its options', async () => {
    const { code, output } = await runDemo('--help')
    expect(code).toBe(0)
    expect(output).toMatch(
      /^Usage:\n[\s\S]*--sqlite FILE[\s\S]*--mysql URL[\s\S]*--redis URL[\s\S]*--tables A,B[\s\S]*--as-of INSTANT/,
    )
  })
})

describe('npm run demo, on servers,', async () => {
  const [database, redis] = await Promise.all([testDatabase(), testRedis(2)])
  const small = ['--employees', '20', '--days', '5']

  it('gives the same rows as in SQLite, and fills the caches', async () => {
    const path = join(folder, 'small.db')
    const [onServers, onSqlite] = await Promise.all([
      runDemo(...small, '--mysql', database.url, '--redis', redis.url),
      runDemo(...small, '--sqlite', path),
    ])
    expect(onServers).toMatchObject({ code: 0, errors: '' })
    expect(onServers.output).toMatch(/\nNothing was written\.\n$/)
    expect(onSqlite.code).toBe(0)
    const reportOf = (output: string) => /\n[\d,]+ rows in daily_scores[\s\S]*(?=\nOnce more)/.exec(output)?.[0]
    expect(reportOf(onServers.output)).toBeDefined()
    expect(reportOf(onServers.output)).toBe(reportOf(onSqlite.output))

    const sqlite = openSqlite<Tables>(path)
    onTestFinished(() => sqlite.destroy())
    const mysql = withInstants(database.kysely<Tables>({ dateStrings: true }), INSTANTS)
    const rows = await derivedPlainly(mysql)
    expect(rows).toEqual(await derivedPlainly(sqlite))
    const here = JSON.parse((await redis.client.get('working_today'))!) as readonly { readonly employee_id: string }[]
    expect(here.map(({ employee_id }) => employee_id)).toEqual(rows.currentStatus.map(({ employeeId }) => employeeId))
  })

  it('completes with a warning when Redis is not there', async () => {
    const { code, errors } = await runDemo('--employees', '3', '--days', '2', '--redis', 'redis://127.0.0.1:1')
    expect(code).toBe(0)
    const warnings = errors.trim().split('\n')
    expect(warnings).toHaveLength(2)
    for (const warning of warnings) {
      expect(warning).toMatch(/^Warning: Redis did not take them: the caches were not refreshed \(.+\)$/)
    }
  })
})

const badFiles = await mkdtemp(join(folder, 'bad-'))
await writeFile(
  join(badFiles, 'role-configs.csv'),
  'id,role_name,role_type,multiplier,expected_per_hour,idle_threshold_minutes\n2,Picking,batch,2,50,32,\n',
)
await writeFile(join(badFiles, 'clock-times.csv'), 'id,employee_id,clock_in,clock_out,break_minutes\n')
await writeFile(join(badFiles, 'activity-logs.csv'), 'id,employee_id,role_id,window_start,window_end,items_count\n')

describe('npm run demo ends with code 2', () => {
  it.each([
    ['--days', '0'],
    ['--speed', '9'],
    ['extra'],
    ['--data', 'd'],
    ['--resume', 'j'],
    ['--mysql', 'mysql://127.0.0.1'],
  ])('and its usage for %s %s', async (...options) => {
    const { code, output, errors } = await runDemo(...options)
    expect({ code, output }).toEqual({ code: 2, output: '' })
    expect(errors).toMatch(/^\S.*\n\nUsage:\n {2}npm run demo/)
  })

  it.each([
    [
      ['--mysql', 'mysql://root:secret@127.0.0.1:1/demo'],
      'The database demo at 127.0.0.1:1 cannot be opened: connect ECONNREFUSED',
    ],
    [['--sqlite', '/nowhere/at/all.db'], '/nowhere/at/all.db cannot be opened: unable to open database file'],
    [
      ['--data', '/nowhere', '--zone', 'UTC', '--from', '2024-03-01', '--to', '2024-03-02'],
      'The folder /nowhere cannot be read',
    ],
    [
      [
        '--data',
        badFiles,
        '--zone',
        'UTC',
        '--from',
        '2024-03-01',
        '--to',
        '2024-03-02',
        '--sqlite',
        join(badFiles, 'x.db'),
      ],
      `${join(badFiles, 'role-configs.csv')}:2:7: expected 6 fields, with a point in decimals and no commas in numbers, got `,
    ],
    [['--employees', '2', '--days', '1', '--tables', 'scores'], 'Expected `tables` to be made of "daily_scores", '],
    [['--sqlite', join(folder, 'other.db'), '--resume', 'j'], 'No job has the id "j"'],
  ])('and one line for %j', async (options, message) => {
    const { code, errors } = await runDemo(...options)
    expect(code).toBe(2)
    expect(errors).toMatch(/^[^\n]+\n$/)
    expect(errors).toContain(message)
    expect(errors).not.toContain('secret')
  })
})
