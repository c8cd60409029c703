import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { importFiles } from '../../../../examples/productivity/sources/import-files.ts'
import { warehouse } from '../support/warehouse.ts'

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

describe('importFiles', () => {
  it('fills the source tables, packed or not, whatever the order of the columns', async () => {
    const db = await warehouse()
    expect(await importFiles(db, await folderWith(files))).toEqual({
      employees: 2,
      role_configs: 2,
      pay_rates: 0,
      clock_times: 2,
      activity_logs: 1,
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

  it.each([
    [
      '2,a,2011-10-01,,0',
      'expected `clock_in` to be an instant in UTC such as 2025-03-30T01:00:00.000Z, got "2011-10-01"',
    ],
    ['2,a,2011-02-29T00:00:00Z,,0', 'expected `clock_in` to be an instant in UTC'],
    ['2,a,2011-13-01T00:00:00Z,,0', 'expected `clock_in` to be an instant in UTC'],
    ['2,,2011-10-01T00:00:00Z,,0', 'expected `employee_id` to be filled in, got ""'],
    ['x,a,2011-10-01T00:00:00Z,,0', 'expected `id` to be an integer, got "x"'],
    ['2,a,2011-10-01T00:00:00Z,', 'expected `break_minutes` to be filled in, got ""'],
  ])('refuses the line %s, naming file, line and column, and writes nothing', async (line, message) => {
    const db = await warehouse()
    const broken = `id,employee_id,clock_in,clock_out,break_minutes\n1,a,2011-10-01T00:00:00Z,,0\n${line}\n`
    const folder = await folderWith({ ...files, 'clock-times.csv': broken })
    await expect(importFiles(db, folder)).rejects.toThrow(`${join(folder, 'clock-times.csv')}:3: ${message}`)
    expect(await db.selectFrom('role_configs').selectAll().execute()).toEqual([])
  })

  it('refuses a folder in which a file or a column is missing, or a file is there twice', async () => {
    const db = await warehouse()
    const { 'clock-times.csv': clockTimes, ...others } = files
    await expect(importFiles(db, await folderWith(others))).rejects.toThrow(
      'ends with clock-times.csv or clock-times.csv.gz, found none',
    )
    await expect(importFiles(db, await folderWith({ ...files, 'b-clock-times.csv': clockTimes }))).rejects.toThrow(
      'found b-clock-times.csv, clock-times.csv',
    )
    const nameless = await folderWith({ ...files, 'clock-times.csv': 'id\n1\n' })
    await expect(importFiles(db, nameless)).rejects.toThrow('clock-times.csv:2: there is no column `employee_id`')
    await expect(importFiles(db, join(nameless, 'gone'))).rejects.toThrow('gone cannot be read')
  })

  it('says which file is broken when it cannot be unpacked', async () => {
    const folder = await folderWith({ ...files, 'activity-logs.csv.gz': 'not packed' })
    await expect(importFiles(await warehouse(), folder)).rejects.toThrow(
      'activity-logs.csv.gz cannot be read: incorrect header',
    )
  })

  it('takes pay rates along when there is a file of them', async () => {
    const db = await warehouse()
    const rates = 'employee_id,effective_from,hourly_rate\na,2011-01-01,20.5\na,2011-10-01,21\nnew,2011-01-01,0.01\n'
    const folder = await folderWith({ ...files, 'our-pay-rates.csv.gz': gzipSync(rates) })
    expect(await importFiles(db, folder)).toMatchObject({ employees: 3, pay_rates: 3, clock_times: 2 })
    expect(
      await db.selectFrom('pay_rates').selectAll().orderBy('employee_id').orderBy('effective_from').execute(),
    ).toEqual([
      { employee_id: 'a', effective_from: '2011-01-01', hourly_rate: 20.5 },
      { employee_id: 'a', effective_from: '2011-10-01', hourly_rate: 21 },
      { employee_id: 'new', effective_from: '2011-01-01', hourly_rate: 0.01 },
    ])
  })

  it('refuses pay rates that cannot be, and two files of them', async () => {
    const db = await warehouse()
    const head = 'employee_id,effective_from,hourly_rate\n'
    const broken = await folderWith({ ...files, 'pay-rates.csv': `${head}a,2011-02-29,20\n` })
    await expect(importFiles(db, broken)).rejects.toThrow(
      'pay-rates.csv:2: expected `effective_from` to be a calendar date as YYYY-MM-DD, got "2011-02-29"',
    )
    const twice = await folderWith({ ...files, 'pay-rates.csv': head, 'old-pay-rates.csv': head })
    await expect(importFiles(db, twice)).rejects.toThrow('found old-pay-rates.csv, pay-rates.csv')
    expect(await db.selectFrom('employees').selectAll().execute()).toEqual([])
  })
})
