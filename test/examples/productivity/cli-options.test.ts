import { describe, expect, it } from 'vitest'
import { readOptions, UsageError } from '../../../examples/productivity/cli-options.ts'

const files = (zone: string, from: string, to: string) => ['--data', 'd', '--zone', zone, '--from', from, '--to', to]

describe('readOptions', () => {
  it('makes up 50 employees over 12 days by default', () => {
    expect(readOptions([])).toEqual({
      zone: 'Europe/Berlin',
      from: '2025-03-24',
      to: '2025-04-04',
      source: { kind: 'generator', employees: 50, days: 12, seed: 1 },
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
    })
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
    [['--speed', '9'], "Unknown option '--speed'"],
    [['extra'], "Unexpected argument 'extra'"],
    [['--days'], "'--days"],
  ])('refuses %j', (args, message) => {
    expect(() => readOptions(args)).toThrow(UsageError)
    expect(() => readOptions(args)).toThrow(message)
  })
})
