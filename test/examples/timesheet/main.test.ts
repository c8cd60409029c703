import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

const demo = (...args: readonly string[]) =>
  run(process.execPath, [join(root, 'examples/timesheet/main.ts'), ...args], { cwd: root })

test('the demo tells its zone and moment first, and ends with rows that a fresh recalculation leaves alone', async () => {
  const { stdout } = await demo('--employees', '8', '--days', '420', '--as-of', '2025-06-17T12:00:00Z')
  expect(stdout.split('\n').slice(0, 2)).toEqual(['Zone: Europe/Berlin', 'As of: 2025-06-17T12:00:00.000Z'])
  expect(stdout).toContain('completed: 3360 days')
  for (const edit of [
    'is moved over midnight',
    'was away',
    'Another plan holds',
    'becomes a holiday',
    'is closed for them',
  ]) {
    expect(stdout).toContain(edit)
  }
  expect(stdout).toContain('Held: 1 changes')
  expect(stdout).toMatch(
    /^What closed months owe:\n(?: {2}\S+ \d{4}-\d\d(?:-\d\d)?, \w+: .+\n)+(?: {2}… and \d+ more\n)? {2}Payroll has taken over [1-9]\d*; the next list has 0\.$/m,
  )
  expect(stdout).toMatch(/A fresh recalculation of everything: 0 of \d+ rows differ\./)
})

test('it takes clock times from a folder, and is seen from the last of them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'timesheet-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const lines = [
    'id,employee_id,clock_in,clock_out,break_minutes',
    '1,7,2012-03-01T08:00:00.000Z,2012-03-01T16:00:00.000Z,30',
    '2,7,2012-03-02T08:00:00.000Z,,0',
  ]
  await writeFile(join(folder, 'some-clock-times.csv'), `${lines.join('\n')}\n`)
  const { stdout } = await demo('--data', folder)
  expect(stdout).toContain('Zone: Europe/Amsterdam\nAs of: 2012-03-02T08:00:00.000Z\n')
  expect(stdout).toContain('3 bookings')
  expect(stdout).toContain('0 of ')
})

test('it ends without a word when whoever reads it has read enough', async () => {
  const words = [process.execPath, join(root, 'examples/timesheet/main.ts'), '--employees', '2', '--days', '60']
  const piped = await run('sh', ['-c', '"$@" | head -n 1', 'sh', ...words], { cwd: root })
  expect(piped).toEqual({ stdout: 'Zone: Europe/Berlin\n', stderr: '' })
})

const HEADER = 'id,employee_id,clock_in,clock_out,break_minutes'

test.each([
  // Its two bookings would have ids beyond the column.
  ['1073741824,a,2025-03-03T08:00:00Z,,0', [], ':2:id: expected a whole number from 1 to 1073741823, got "1073741824"'],
  ['1,a,2025-03-03T08:00:00Z,,-30', [], ':2:break_minutes: expected a whole number from 0 to 1440, got "-30"'],
  [
    '1,a,2025-03-03T08:00:00Z,,0\n2,b,2014-03-03T08:00:00Z,,0',
    [],
    ':3:clock_in: expected an instant at most 3650 days from all before it, got "2014-03-03T08:00:00Z"',
  ],
  ['', [], ':2: expected a line of clock times, got none'],
  [
    '1,a,2025-03-03T08:00:00Z,,0',
    ['--as-of', '9999-12-31T23:59:59Z'],
    'Expected --as-of to be at most 3650 days after the first clock time',
  ],
])(
  'it refuses the clock times %j with %j, where they are wrong, before it makes a database',
  async (lines, args, message) => {
    const folder = await mkdtemp(join(tmpdir(), 'timesheet-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'clock-times.csv'), `${HEADER}\n${lines}\n`)
    const database = join(folder, 'office.db')
    const stderr = expect.stringContaining(message)
    await expect(demo('--data', folder, '--sqlite', database, ...args)).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr,
    })
    expect(existsSync(database)).toBe(false)
  },
)

test.each([
  [['--as-of', 'today'], 'Expected --as-of to be an instant such as 2025-04-04T13:30:00Z, got "today"'],
  [['--as-of', '2025-02-30T10:00:00Z'], 'Expected --as-of to be an instant'],
  [['--zone', 'Mars/Base'], 'Expected --zone to be an IANA time zone'],
  [['--days', '999999999'], 'Expected --days to be a whole number from 1 to 3660'],
  [['--serve', '--port', '99999'], 'Expected --port to be a whole number from 0 to 65535'],
  [['--mysql', 'postgres://127.0.0.1/office'], 'Expected --mysql to be a URL that begins with mysql://'],
  [['--data', '/there/is/no/such/folder'], 'The folder /there/is/no/such/folder cannot be read'],
])('it says what was expected of %j, before anything is calculated', async (args, message) => {
  const stderr = expect.stringContaining(message)
  await expect(demo(...args)).rejects.toMatchObject({ code: 2, stdout: '', stderr })
})
