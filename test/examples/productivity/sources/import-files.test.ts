import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Database } from '../../../../examples/productivity/schema/tables.ts'
import { importFiles } from '../../../../examples/productivity/sources/import-files.ts'
import { ImportError } from '../../../../examples/shared/import/import-error.ts'
import { allEngines } from '../stages/all-engines.ts'
import { openWarehouse, warehouse } from '../support/warehouse.ts'

const files = {
  'x-role-configs.csv': [
    'id,role_name,role_type,multiplier,expected_per_hour,idle_threshold_minutes',
    '1,"Packing, ""fast""",continuous,1.25,,5',
    '2,Picking,batch,2.50,32,',
  ].join('\n'),
  'clock-times.csv': [
    '\uFEFFid,employee_id,clock_in,clock_out,break_minutes',
    '1,007,2011-10-01T06:08:58.256Z,,30',
    '2,a,2011-10-01T06:00:00Z,2011-10-01T07:00:00.5Z,0',
    '',
  ].join('\r\n'),
  'activity-logs.csv.gz': gzipSync(
    [
      'case_id,id,employee_id,role_id,window_start,window_end,items_count',
      '9,1,a,2,2011-10-01T06:00:00.001Z,2011-10-01T06:00:00.001Z,3',
    ].join('\n'),
  ),
}

async function folderWith(contents: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'import-files-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, content] of Object.entries(contents)) await writeFile(join(folder, name), content)
  return folder
}

/** How the message goes on behind the folder. */
async function refusalOf(contents: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const db = await warehouse()
  const folder = await folderWith({ ...files, ...contents })
  const error = await importFiles(db, folder).catch((refused: unknown) => refused)
  expect(error).toBeInstanceOf(ImportError)
  for (const table of ['role_configs', 'employees', 'pay_rates', 'clock_times', 'activity_logs'] as const) {
    expect(await db.selectFrom(table).selectAll().execute()).toEqual([])
  }
  return (error as Error).message.replace(`${folder}/`, '')
}

describe('importFiles', () => {
  it('fills the source tables, packed or not, whatever the order of the columns', async () => {
    const db = await warehouse()
    expect(Object.fromEntries(await importFiles(db, await folderWith(files)))).toEqual({
      employees: { added: 2, changed: 0, left: 0 },
      role_configs: { added: 2, changed: 0, left: 0 },
      clock_times: { added: 2, changed: 0, left: 0 },
      activity_logs: { added: 1, changed: 0, left: 0 },
    })
    expect(await db.selectFrom('employees').selectAll().orderBy('id').execute()).toEqual([
      { id: '007', name: '007', is_active: 1 },
      { id: 'a', name: 'a', is_active: 1 },
    ])
    expect(await db.selectFrom('role_configs').selectAll().orderBy('id').execute()).toMatchObject([
      { role_name: 'Packing, "fast"', multiplier: 1.25, expected_per_hour: null, idle_threshold_minutes: 5 },
      { role_type: 'batch', multiplier: 2.5, expected_per_hour: 32, idle_threshold_minutes: null },
    ])
    expect(await db.selectFrom('clock_times').selectAll().orderBy('id').execute()).toMatchObject([
      { employee_id: '007', clock_in: Date.UTC(2011, 9, 1, 6, 8, 58, 256), clock_out: null, break_minutes: 30 },
      { employee_id: 'a', clock_out: Date.UTC(2011, 9, 1, 7, 0, 0, 500) },
    ])
    expect(await db.selectFrom('activity_logs').selectAll().execute()).toMatchObject([
      { id: 1, employee_id: 'a', role_id: 2, window_start: Date.UTC(2011, 9, 1, 6, 0, 0, 1), items_count: 3 },
    ])
  })

  it('takes pay rates along when there is a file of them', async () => {
    const db = await warehouse()
    const rates = 'employee_id,effective_from,hourly_rate\na,2011-01-01,20.5\na,2011-10-01,21\nnew,2011-01-01,0.01\n'
    const counts = await importFiles(db, await folderWith({ ...files, 'our-pay-rates.csv.gz': gzipSync(rates) }))
    expect(counts.get('employees')).toEqual({ added: 3, changed: 0, left: 0 })
    expect(
      await db.selectFrom('pay_rates').selectAll().orderBy('employee_id').orderBy('effective_from').execute(),
    ).toEqual([
      { employee_id: 'a', effective_from: '2011-01-01', hourly_rate: 20.5 },
      { employee_id: 'a', effective_from: '2011-10-01', hourly_rate: 21 },
      { employee_id: 'new', effective_from: '2011-01-01', hourly_rate: 0.01 },
    ])
  })

  it('refuses a folder in which a file is missing, or there twice', async () => {
    const db = await warehouse()
    const { 'clock-times.csv': clockTimes, ...others } = files
    await expect(importFiles(db, await folderWith(others))).rejects.toThrow(
      'ends with clock-times.csv or clock-times.csv.gz, found none',
    )
    await expect(importFiles(db, await folderWith({ ...files, 'b-clock-times.csv': clockTimes }))).rejects.toThrow(
      'found b-clock-times.csv, clock-times.csv',
    )
    const rates = { 'pay-rates.csv': '', 'old-pay-rates.csv': '' }
    await expect(importFiles(db, await folderWith({ ...files, ...rates }))).rejects.toThrow(
      'found old-pay-rates.csv, pay-rates.csv',
    )
    await expect(importFiles(db, '/nowhere')).rejects.toThrow('The folder /nowhere cannot be read')
  })

  const instants = 'an instant in UTC from 1970 to '

  it.each([
    ['x,a,2011-10-01T00:00:00Z,,0', 'id: expected a whole number from 1 to 2147483647, got "x"'],
    ['0,a,2011-10-01T00:00:00Z,,0', 'id: expected a whole number from 1 to 2147483647, got "0"'],
    ['-2,a,2011-10-01T00:00:00Z,,0', 'id: expected a whole number'],
    ['02,a,2011-10-01T00:00:00Z,,0', 'id: expected a whole number'],
    ['+2,a,2011-10-01T00:00:00Z,,0', 'id: expected a whole number'],
    ['2e3,a,2011-10-01T00:00:00Z,,0', 'id: expected a whole number'],
    ['0x10,a,2011-10-01T00:00:00Z,,0', 'id: expected a whole number'],
    ['2147483648,a,2011-10-01T00:00:00Z,,0', 'id: expected a whole number'],
    ['1,a,2011-10-01T00:00:00Z,,0', 'id: expected another one than in line 2, got "1"'],
    ['2,,2011-10-01T00:00:00Z,,0', 'employee_id: expected 1 to 64 characters'],
    ['2,a ,2011-10-01T00:00:00Z,,0', 'employee_id: expected 1 to 64 characters'],
    ['2, a,2011-10-01T00:00:00Z,,0', 'employee_id: expected 1 to 64 characters'],
    ['2,\u00a0a,2011-10-01T00:00:00Z,,0', 'employee_id: expected 1 to 64 characters'],
    ['2,a\u200b,2011-10-01T00:00:00Z,,0', 'employee_id: expected 1 to 64 characters'],
    [`2,${'x'.repeat(65)},2011-10-01T00:00:00Z,,0`, 'employee_id: expected 1 to 64 characters'],
    ['2,a,2011-10-01,,0', `clock_in: expected ${instants}`],
    ['2,a,2011-10-01T00:00:00,,0', `clock_in: expected ${instants}`],
    ['2,a,2011-10-01T00:00:00+02:00,,0', `clock_in: expected ${instants}`],
    ['2,a,2011-10-01 00:00:00Z,,0', `clock_in: expected ${instants}`],
    ['2,a,2011-02-29T00:00:00Z,,0', `clock_in: expected ${instants}`],
    ['2,a,2011-13-01T00:00:00Z,,0', `clock_in: expected ${instants}`],
    ['2,a,2011-10-01T24:00:00Z,,0', `clock_in: expected ${instants}`],
    ['2,a,2011-10-01T00:00:00.0001Z,,0', `clock_in: expected ${instants}`],
    ['2,a,1969-12-31T23:59:59Z,,0', `clock_in: expected ${instants}`],
    ['2,a,2011-10-01T00:00:00Z,2205-10-01T00:00:00Z,0', `clock_out: expected ${instants}`],
    ['2,a,,,0', `clock_in: expected ${instants}`],
    ['2,a,2011-10-01T00:00:00Z,,', 'break_minutes: expected a whole number from 0 to 1440, got ""'],
    ['2,a,2011-10-01T00:00:00Z,,-360', 'break_minutes: expected a whole number from 0 to 1440, got "-360"'],
    ['2,a,2011-10-01T00:00:00Z,,1441', 'break_minutes: expected a whole number from 0 to 1440'],
    ['2,a,2011-10-01T00:00:00Z,,1.5', 'break_minutes: expected a whole number from 0 to 1440'],
    ['2,a,2011-10-01T00:00:00Z,,1,5', '6: expected 5 fields, with a point in decimals and no commas in numbers'],
    ['2,a,2011-10-01T00:00:00Z,', 'break_minutes: expected 5 fields'],
    ['2;a;2011-10-01T00:00:00Z;;0', 'employee_id: expected 5 fields'],
    ['2,"a"b,2011-10-01T00:00:00Z,,0', 'employee_id: expected quotes around whole fields only'],
    ['2, "a",2011-10-01T00:00:00Z,,0', 'employee_id: expected quotes around whole fields only'],
    ['2,a,2011-10-01T00:00:00Z,,"0', 'break_minutes: expected quotes around whole fields only'],
    ['2,"a\nb",2011-10-01T00:00:00Z,,0', 'employee_id: expected a field on one line'],
    ['2,a\0,2011-10-01T00:00:00Z,,0', 'employee_id: expected text without control characters'],
    ['2,a\rb,2011-10-01T00:00:00Z,,0', 'employee_id: expected lines that end with \\n or \\r\\n'],
    ['2,a\uFFFD,2011-10-01T00:00:00Z,,0', 'employee_id: expected text in UTF-8'],
  ])('refuses the line %j with its place and its column', async (line, message) => {
    const text = `id,employee_id,clock_in,clock_out,break_minutes\n1,a,2011-10-01T00:00:00Z,,0\n${line}\n3,b,2011-10-01T00:00:00Z,,0\n`
    expect(await refusalOf({ 'clock-times.csv': text })).toContain(`clock-times.csv:3:${message}`)
    // Neither ends of lines nor packing make a difference.
    if (line.includes('\r')) return
    const packed = { 'clock-times.csv': '', 'b-clock-times.csv.gz': gzipSync(text.replaceAll(/(?<!a)\n/g, '\r\n')) }
    const { 'clock-times.csv': _, ...others } = files
    const folder = await folderWith({ ...others, 'b-clock-times.csv.gz': packed['b-clock-times.csv.gz'] })
    await expect(importFiles(await warehouse(), folder)).rejects.toThrow(`b-clock-times.csv.gz:3:${message}`)
  })

  it.each([
    ['', ':1: expected the columns id,employee_id,clock_in,clock_out,break_minutes with commas between them, got ""'],
    ['\n', ':1: expected the columns id,'],
    [
      'id;employee_id;clock_in;clock_out;break_minutes\n',
      ':1: expected the columns id,employee_id,clock_in,clock_out,break_minutes with commas between them, got "id;employee_id;clock_in;clock_out;break_minutes"',
    ],
    ['id\temployee_id\tclock_in\tclock_out\tbreak_minutes\n', ':1: expected the columns id,'],
    ['ID,employee_id,clock_in,clock_out,break_minutes\n', ':1:ID: expected the column id, got "ID"'],
    ['id, employee_id,clock_in,clock_out,break_minutes\n', ':1: employee_id: expected the column employee_id'],
    ['id,employee_id\n', ':1:clock_in: expected a column of that name, got "id,employee_id"'],
    ['id,employee_id,clock_in,clock_out,break_minutes,id\n', ':1:id: expected each column once'],
    ['id,employee_id,clock_in,clock_out,break_minutes,pause\n', ':1:pause: expected only the columns id,'],
    ['id,employee_id,clock_in,clock_out,break_minutes,\n', ':1:6: expected only the columns id,'],
    ['1,a,2011-10-01T00:00:00Z,,0\n', ':1: expected the columns id,'],
    [
      'id,employee_id,clock_in,clock_out,break_minutes\r1,a,2011-10-01T00:00:00Z,,0\r',
      ':1:5: expected lines that end with \\n or \\r\\n, not with \\r alone',
    ],
    ['\uFEFF\uFEFFid,employee_id,clock_in,clock_out,break_minutes\n', ':1:\uFEFFid: expected the column id'],
  ])('refuses the first line %j', async (text, message) => {
    expect(await refusalOf({ 'clock-times.csv': text })).toContain(`clock-times.csv${message}`)
  })

  it('refuses what is not UTF-8', async () => {
    const text =
      'id,employee_id,clock_in,clock_out,break_minutes\n1,a,2011-10-01T00:00:00Z,,0\n2,Müller,2011-10-01T00:00:00Z,,0\n'
    const place = 'clock-times.csv:3:employee_id: expected text in UTF-8, not in Latin-1, UTF-16 or another encoding'
    expect(await refusalOf({ 'clock-times.csv': Buffer.from(text, 'latin1') })).toContain(place)
    for (const mark of ['', '\uFEFF']) {
      const wide = Buffer.from(mark + text, 'utf16le')
      expect(await refusalOf({ 'clock-times.csv': wide })).toMatch(/^clock-times\.csv:1:1: expected text /)
      expect(await refusalOf({ 'clock-times.csv': wide.swap16() })).toMatch(/^clock-times\.csv:1:1: expected text /)
    }
  })

  it('refuses what is packed and does not say so, what says so and is not, and what is packed badly', async () => {
    const { 'clock-times.csv': text, 'activity-logs.csv.gz': packed, ...others } = files
    const activityLogs = (bytes: Buffer | string) => refusalOf({ ...others, 'activity-logs.csv.gz': bytes })
    expect(await refusalOf({ 'clock-times.csv': gzipSync(text) })).toContain(
      'clock-times.csv:1: expected what its name says, got a packed file whose name does not end with .gz',
    )
    expect(await activityLogs('id')).toContain(
      'activity-logs.csv.gz:1: expected what its name says, got a file that is not',
    )
    expect(await activityLogs(packed.subarray(0, -9))).toContain(
      'activity-logs.csv.gz:2: cannot be unpacked: unexpected end',
    )
    const followedBy = (bytes: Buffer) => activityLogs(Buffer.concat([packed, bytes]))
    expect(await followedBy(Buffer.from('more'))).toMatch(/activity-logs\.csv\.gz:\d+: cannot be unpacked: /)
    expect(await followedBy(Buffer.alloc(4))).toMatch(
      /activity-logs\.csv\.gz:\d+: cannot be unpacked: 4 bytes follow that are not packed/,
    )
    const damaged = Buffer.from(packed)
    damaged[40] = damaged[40]! ^ 0xff
    expect(await activityLogs(damaged)).toMatch(/activity-logs\.csv\.gz:\d+: cannot be unpacked: /)
  })

  it('refuses a line that never ends', async () => {
    expect(await refusalOf({ 'clock-times.csv': `id,${'x'.repeat(2_000_000)}` })).toContain(
      'clock-times.csv:1: expected lines, got one of more than 1048576 bytes',
    )
  })

  it.each([
    ['1,A,continuous,1,,', '2:idle_threshold_minutes: expected a whole number from 0 on for a continuous role, got ""'],
    ['1,A,batch,1,,5', '2:expected_per_hour: expected a whole number from 1 on for a batch role, got ""'],
    ['1,A,batch,1,0,', '2:expected_per_hour: expected a whole number from 1 to 2147483647, or nothing, got "0"'],
    ['1,A,Batch,1,5,', '2:role_type: expected continuous or batch, got "Batch"'],
    ['1,A,batch,-1,5,', '2:multiplier: expected a number from 0 to 9999.99 with a point and at most 2 decimal places'],
    ['1,A,batch,1.005,5,', '2:multiplier: expected a number from 0 to 9999.99'],
    ['1,A,batch,1.250,5,', '2:multiplier: expected a number from 0 to 9999.99'],
    ['1,A,batch,"1,25",5,', '2:multiplier: expected a number from 0 to 9999.99'],
    ['1,A,batch,"1,000.25",5,', '2:multiplier: expected a number from 0 to 9999.99'],
    ['1,A,batch,10000,5,', '2:multiplier: expected a number from 0 to 9999.99'],
    ['1,A,batch,1.,5,', '2:multiplier: expected a number from 0 to 9999.99'],
    ['1,A,batch,.5,5,', '2:multiplier: expected a number from 0 to 9999.99'],
    ['1,A,batch,01,5,', '2:multiplier: expected a number from 0 to 9999.99'],
    ['1,,batch,1,5,', '2:role_name: expected 1 to 255 characters'],
  ])('refuses the role %j', async (line, message) => {
    const text = `id,role_name,role_type,multiplier,expected_per_hour,idle_threshold_minutes\n${line}\n`
    expect(await refusalOf({ 'x-role-configs.csv': text })).toContain(`x-role-configs.csv:${message}`)
  })

  it('refuses pay rates that cannot be', async () => {
    const payRates = (...lines: string[]) =>
      refusalOf({ 'pay-rates.csv': `employee_id,effective_from,hourly_rate\n${lines.join('\n')}\n` })
    expect(await payRates('a,2011-02-29,20')).toContain(
      'pay-rates.csv:2:effective_from: expected a calendar date from 1970',
    )
    expect(await payRates('a,2205-01-01,20')).toContain(
      'pay-rates.csv:2:effective_from: expected a calendar date from 1970',
    )
    expect(await payRates('a,2011-01-01,-20')).toContain(
      'pay-rates.csv:2:hourly_rate: expected a number from 0 to 999999.99',
    )
    expect(await payRates('a,2011-01-01,20', 'b,2011-01-01,20', 'a,2011-01-01,21')).toContain(
      'pay-rates.csv:4:employee_id,effective_from: expected another one than in line 2, got "a,2011-01-01"',
    )
  })

  it('refuses an activity of an unknown role, and knows the roles that are there already', async () => {
    const head = 'id,employee_id,role_id,window_start,window_end,items_count'
    const activity = (role: number) => `${head}\n1,a,${role},2011-10-01T06:00:00Z,2011-10-01T06:00:00Z,3\n`
    const { 'activity-logs.csv.gz': _, ...others } = files
    const db = await warehouse()
    const unknown = importFiles(db, await folderWith({ ...others, 'activity-logs.csv': activity(9) }))
    await expect(unknown).rejects.toThrow('activity-logs.csv:2:role_id: expected a row of role_configs, got "9"')
    await db
      .insertInto('role_configs')
      .values({ id: 9, role_name: 'Nine', role_type: 'batch', multiplier: 1, expected_per_hour: 1 })
      .execute()
    await importFiles(db, await folderWith({ ...others, 'activity-logs.csv': activity(9) }))
    expect(await db.selectFrom('activity_logs').select('role_id').execute()).toEqual([{ role_id: 9 }])
  })
})

describe.each(await allEngines())('importFiles on $name', ({ open }) => {
  const rates = 'employee_id,effective_from,hourly_rate\na,2011-01-01,20.50\na,2011-10-01,21\n'
  const clockTimes = (...lines: string[]) => `id,employee_id,clock_in,clock_out,break_minutes\n${lines.join('\n')}\n`

  async function rowsIn(db: Database) {
    return {
      roles: await db.selectFrom('role_configs').selectAll().orderBy('id').execute(),
      rates: await db.selectFrom('pay_rates').selectAll().orderBy('effective_from').execute(),
      shifts: await db.selectFrom('clock_times').selectAll().orderBy('id').execute(),
      works: await db.selectFrom('activity_logs').selectAll().orderBy('id').execute(),
      employees: await db.selectFrom('employees').selectAll().orderBy('id').execute(),
    }
  }

  it('reads the same files again without writing anything', async () => {
    const db = await open({})
    const folder = await folderWith({ ...files, 'pay-rates.csv': rates })
    await importFiles(db, folder)
    const before = await rowsIn(db)
    expect(Object.fromEntries(await importFiles(db, folder))).toEqual({
      employees: { added: 0, changed: 0, left: 2 },
      role_configs: { added: 0, changed: 0, left: 2 },
      pay_rates: { added: 0, changed: 0, left: 2 },
      clock_times: { added: 0, changed: 0, left: 2 },
      activity_logs: { added: 0, changed: 0, left: 1 },
    })
    expect(await rowsIn(db)).toEqual(before)
  })

  it('adds what is new, changes what is different, and leaves everything else, also what no file names', async () => {
    const db = await open({})
    await importFiles(db, await folderWith({ ...files, 'pay-rates.csv': rates }))
    const before = await rowsIn(db)
    const changed = {
      'pay-rates.csv': rates.replace('20.50', '20.51'),
      'clock-times.csv': clockTimes(
        '1,007,2011-10-01T06:08:58.256Z,2011-10-01T09:00:00Z,30',
        '3,b,2011-10-02T06:00:00Z,,0',
      ),
    }
    const counts = await importFiles(db, await folderWith({ ...files, ...changed }))
    expect(Object.fromEntries(counts)).toEqual({
      employees: { added: 1, changed: 0, left: 2 },
      role_configs: { added: 0, changed: 0, left: 2 },
      pay_rates: { added: 0, changed: 1, left: 1 },
      clock_times: { added: 1, changed: 1, left: 0 },
      activity_logs: { added: 0, changed: 0, left: 1 },
    })
    const after = await rowsIn(db)
    expect(after.shifts).toMatchObject([
      { id: 1, clock_out: Date.UTC(2011, 9, 1, 9) },
      before.shifts[1],
      { id: 3, employee_id: 'b', clock_out: null },
    ])
    expect(after.rates.map(({ hourly_rate }) => Number(hourly_rate))).toEqual([20.51, 21])
    expect([after.roles, after.works]).toEqual([before.roles, before.works])
  })
})

it('importFiles needs as many statements for a file of 2,000 lines as for one of 1,001, but for two per 500', async () => {
  const statements = async (count: number) => {
    const lines = Array.from({ length: count }, (_, index) => `${index + 1},a,2011-10-01T06:00:00Z,,0`)
    const text = `id,employee_id,clock_in,clock_out,break_minutes\n${lines.join('\n')}\n`
    let seen = 0
    const db = await openWarehouse({}, () => {
      seen += 1
    })
    onTestFinished(() => db.destroy())
    const folder = await folderWith({ ...files, 'clock-times.csv': text })
    const before = seen
    await importFiles(db, folder)
    return seen - before
  }
  expect((await statements(2_000)) - (await statements(1_001))).toBeLessThanOrEqual(4)
})
