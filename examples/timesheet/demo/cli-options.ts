import { parseArgs } from 'node:util'
import { UsageError } from '../../shared/demo/usage-error.ts'

export const USAGE = `Usage:
  npm run demo:timesheet -- [--employees 120] [--days 425] [--seed 1]
      makes up an office, calculates it, edits it, and settles what follows from each edit
  npm run demo:timesheet -- --data DIR
      takes the clock times of DIR (clock-times.csv or .csv.gz, whatever its name begins with)

  --zone ZONE        where the work is done; default Europe/Berlin, with --data Europe/Amsterdam
  --as-of INSTANT    the moment at which it is seen, such as 2025-04-04T13:30:00Z; default now, with --data the last booking
  --sqlite FILE      the database; default: in memory, gone at the end
  --mysql URL        ... or on a MySQL or MariaDB server: mysql://user:password@127.0.0.1:3306/timesheet
  --postgres URL     ... or on a PostgreSQL server: postgres://user:password@127.0.0.1:5432/timesheet
  --serve [--port 3000]
      waits for jobs that are started over HTTP, on this machine only, with a console page`

export interface DemoOptions {
  readonly zone: string
  readonly asOf: number | undefined
  readonly database: { readonly kind: 'sqlite' | 'mysql' | 'postgres'; readonly place: string }
  /** A folder of clock times; undefined: an office is made up. */
  readonly data: string | undefined
  readonly employees: number
  readonly days: number
  readonly seed: number
  /** Undefined: nothing is served. */
  readonly port: number | undefined
}

/** @throws {UsageError} */
export function readOptions(args: readonly string[]): DemoOptions {
  const { sqlite, mysql, postgres, data, zone, serve, ...values } = parsed(args)
  const places = [
    ['sqlite', sqlite],
    ['mysql', mysql],
    ['postgres', postgres],
  ] as const
  const named = places.filter(([, place]) => place !== undefined)
  if (named.length > 1) throw new UsageError('Expected one of --sqlite, --mysql and --postgres, got several')
  const [kind, place = ':memory:'] = named[0] ?? ['sqlite', undefined]
  return {
    zone: zone ?? (data === undefined ? 'Europe/Berlin' : 'Europe/Amsterdam'),
    asOf: values['as-of'] === undefined ? undefined : instant(values['as-of']),
    database: { kind, place },
    data,
    employees: wholeNumber('employees', values.employees, 1),
    days: wholeNumber('days', values.days, 1),
    seed: wholeNumber('seed', values.seed, 0),
    port: serve ? wholeNumber('port', values.port, 0) : undefined,
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        zone: { type: 'string' },
        'as-of': { type: 'string' },
        sqlite: { type: 'string' },
        mysql: { type: 'string' },
        postgres: { type: 'string' },
        data: { type: 'string' },
        employees: { type: 'string', default: '120' },
        days: { type: 'string', default: '425' },
        seed: { type: 'string', default: '1' },
        serve: { type: 'boolean', default: false },
        port: { type: 'string', default: '3000' },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function instant(text: string): number {
  const found = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (Number.isNaN(found))
    throw new UsageError(`Expected --as-of to be an instant such as 2025-04-04T13:30:00Z, got ${text}`)
  return found
}

function wholeNumber(name: string, text: string, least: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text)
  throw new UsageError(`Expected --${name} to be a whole number from ${least} on, got ${text}`)
}
