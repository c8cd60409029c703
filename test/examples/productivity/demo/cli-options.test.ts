import { describe, expect, it } from 'vitest'
import { readOptions } from '../../../../examples/productivity/demo/cli-options.ts'
import { UsageError } from '../../../../examples/shared/demo/usage-error.ts'

const files = (zone: string, from: string, to: string) => ['--data', 'd', '--zone', zone, '--from', from, '--to', to]

describe('readOptions', () => {
  it('makes up 50 employees over 12 days by default', () => {
    expect(readOptions([])).toEqual({
      zone: 'Europe/Berlin',
      from: '2025-03-24',
      to: '2025-04-04',
      source: { kind: 'generator', employees: 50, days: 12, seed: 1, until: new Date('2025-04-04T13:30:00Z') },
      database: { kind: 'sqlite' },
      live: false,
      preview: false,
    })
  })

  it('takes sizes and seed of what is made up', () => {
    expect(readOptions(['--employees', '3', '--days=1', '--seed', '0'])).toMatchObject({
      from: '2025-03-24',
      to: '2025-03-24',
      source: { employees: 3, days: 1, seed: 0 },
    })
  })

  it('takes a folder with its zone and range', () => {
    expect(readOptions(files('Europe/Amsterdam', '2011-10-01', '2012-03-14'))).toEqual({
      zone: 'Europe/Amsterdam',
      from: '2011-10-01',
      to: '2012-03-14',
      source: { kind: 'files', folder: 'd' },
      database: { kind: 'sqlite' },
      live: false,
      preview: false,
    })
  })

  it('looks at made-up days from within the last of them, at the real ones from now, unless it is told otherwise', () => {
    expect(readOptions(['--days', '2'])).toMatchObject({ source: { until: new Date('2025-03-25T13:30:00Z') } })
    expect(readOptions(['--days', '2']).asOf).toBeUndefined()
    expect(readOptions(['--as-of', '2025-03-25T14:30:00.5+02:00']).asOf).toEqual(new Date('2025-03-25T12:30:00.500Z'))
    const real = files('UTC', '2011-10-01', '2012-03-14')
    expect(readOptions([...real, '--as-of', '2012-03-14T24:00:00Z']).asOf).toEqual(new Date('2012-03-15T00:00:00Z'))
  })

  it('takes a file or a server for the database, one for the caches, tables and a job', () => {
    const url = 'mysql://root@127.0.0.1:3306/productivity'
    expect(readOptions(['--sqlite', 'f', '--resume', 'j', '--tables', 'alerts,cache'])).toMatchObject({
      database: { kind: 'sqlite', path: 'f' },
      resume: 'j',
      tables: ['alerts', 'cache'],
    })
    expect(readOptions(['--mysql', url, '--redis', 'rediss://r', '--resume', 'j'])).toMatchObject({
      database: { kind: 'mysql', url },
      redis: 'rediss://r',
    })
    expect(readOptions(['--mysql', url.replace('mysql', 'mariadb')]).database).toEqual({ kind: 'mysql', url })
    const postgres = 'postgres://postgres@127.0.0.1:5432/productivity'
    for (const given of [postgres, postgres.replace('postgres:', 'postgresql:')]) {
      expect(readOptions(['--postgres', given]).database).toEqual({ kind: 'postgres', url: postgres })
    }
  })

  it('edits rows on request, but not beside what would hide them', () => {
    expect(readOptions(['--live']).live).toBe(true)
    expect(() => readOptions(['--live', '--serve'])).toThrow('--live edits rows by itself')
    expect(() => readOptions(['--live', '--tables', 'alerts'])).toThrow('--tables leaves out what --live recalculates')
  })

  it('previews a rule on request, but not beside what would hide or change it', () => {
    expect(readOptions(['--preview']).preview).toBe(true)
    expect(() => readOptions(['--preview', '--serve'])).toThrow('--preview has a rule of its own')
    expect(() => readOptions(['--preview', '--live'])).toThrow('--preview compares two runs')
    expect(() => readOptions(['--preview', '--tables', 'alerts'])).toThrow('--tables leaves out what --preview')
  })

  it.each([
    [['--data', 'd'], 'Expected --zone to be an IANA time zone such as Europe/Amsterdam, got nothing'],
    [files('Europe/Nowhere', '2011-10-01', '2012-03-14'), 'got "Europe/Nowhere"'],
    [files('UTC', '2011-02-29', '2012-03-14'), 'Expected --from to be a calendar date as YYYY-MM-DD, got "2011-02-29"'],
    [files('UTC', '2011-10-01', 'today'), 'Expected --to to be a calendar date as YYYY-MM-DD, got "today"'],
    [files('UTC', '2011-10-02', '2011-10-01'), 'Expected --to to be a date from 2011-10-02 on, got "2011-10-01"'],
    [
      ['--data', 'd', '--zone', 'UTC', '--to', '2011-10-01'],
      'Expected --from to be a calendar date as YYYY-MM-DD, got nothing',
    ],
    [
      [...files('UTC', '2011-10-01', '2011-10-02'), '--seed', '2'],
      '--seed is for made-up data and does not go with --data',
    ],
    [['--zone', 'UTC'], '--zone goes with --data DIR'],
    [['--days', '0'], 'Expected --days to be a whole number from 1 to 3660, got "0"'],
    [['--employees', '1e3'], 'Expected --employees to be a whole number from 1 to 100000, got "1e3"'],
    [['--as-of', 'now'], 'Expected --as-of to be an instant such as 2025-04-04T13:30:00Z, got "now"'],
    [['--as-of', '2025-04-04'], 'Expected --as-of to be an instant'],
    [['--as-of', '2025-04-04T13:30:00'], 'Expected --as-of to be an instant'],
    [['--as-of', '2025-02-30T13:30:00Z'], 'Expected --as-of to be an instant'],
    [['--as-of', '2025-02-28T25:30:00Z'], 'Expected --as-of to be an instant'],
    [['--sqlite', ''], 'Expected --sqlite to be a file, got ""'],
    [['--sqlite', 'f', '--mysql', 'mysql://h/d'], '--sqlite and --mysql are two databases; name one'],
    [['--mysql', 'h/d'], 'Expected --mysql to be a URL that begins with mysql:// or mariadb://, got "h/d"'],
    [['--mysql', 'mysql://h'], 'Expected --mysql to be a URL that ends with a database'],
    [['--mysql', 'mysql://h/d', '--postgres', 'postgres://h/d'], '--postgres and --mysql are two databases; name one'],
    [['--postgres', 'mysql://h/d'], 'Expected --postgres to be a URL that begins with postgres:// or postgresql://'],
    [['--postgres', 'postgres://h'], 'Expected --postgres to be a URL that ends with a database'],
    [['--redis', 'http://h'], 'Expected --redis to be a URL that begins with redis:// or rediss://, got "http://h"'],
    [
      ['--resume', 'j'],
      '--resume JOB needs the database that the job is in: --sqlite FILE, --mysql URL or --postgres URL',
    ],
    [['--speed', '9'], "Unknown option '--speed'"],
    [['extra'], "Unexpected argument 'extra'"],
    [['--days'], "'--days"],
  ])('refuses %j', (args, message) => {
    expect(() => readOptions(args)).toThrow(UsageError)
    expect(() => readOptions(args)).toThrow(message)
  })
})
