import { parseArgs } from 'node:util'
import { type DemoDatabase, databaseOption } from '../../shared/demo/database-option.ts'
import { instantOption, numberOption, zoneOption } from '../../shared/demo/option-values.ts'
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
  readonly database: DemoDatabase
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
  const values = parsed(args)
  const { data, serve } = values
  const zone = values.zone ?? (data === undefined ? 'Europe/Berlin' : 'Europe/Amsterdam')
  return {
    zone: zoneOption('zone', zone),
    asOf: instantOption('as-of', values['as-of'])?.getTime(),
    database: databaseOption(values),
    data,
    employees: numberOption('employees', values.employees, 1, 100_000),
    days: numberOption('days', values.days, 1, 3_660),
    seed: numberOption('seed', values.seed, 0, 1_000_000),
    port: serve ? numberOption('port', values.port, 0, 65_535) : undefined,
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
