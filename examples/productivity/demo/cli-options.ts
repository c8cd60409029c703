import { parseArgs } from 'node:util'
import { addDays, type IsoDate } from 'recalc-service'
import { type DemoDatabase, databaseOption } from '../../shared/demo/database-option.ts'
import {
  dateOption,
  instantOption,
  numberOption,
  unexpected,
  urlOption,
  zoneOption,
} from '../../shared/demo/option-values.ts'
import { UsageError } from '../../shared/demo/usage-error.ts'

export const USAGE = `Usage:
  npm run demo -- [--employees 50] [--days 12] [--seed 1]
      makes up a warehouse and recalculates it
  npm run demo -- --data DIR --zone ZONE --from DATE --to DATE
      recalculates what is in the files of DIR: role-configs.csv, clock-times.csv, activity-logs.csv and, if there is one,
      pay-rates.csv (or .csv.gz). A database that was kept takes them by their ids: new rows and changed ones, none twice
  npm run demo -- ... --resume JOB
      goes on with a job that was cancelled or killed, in a database that was kept: --sqlite, --mysql or --postgres
  npm run demo -- ... --live
      then edits single rows of the source tables, which triggers note, and settles what follows from each
  npm run demo -- ... --preview
      then shows what a role that counts double from a date on would change, has it changed, and compares
  npm run demo -- ... --serve [--port 3000]
      waits for jobs that are started over HTTP, on this machine only, with a console page

  --sqlite FILE      the database; default: in memory, gone at the end
  --mysql URL        ... or on a MySQL or MariaDB server: mysql://user:password@127.0.0.1:3306/productivity
  --postgres URL     ... or on a PostgreSQL server: postgres://user:password@127.0.0.1:5432/productivity
  --redis URL        where the caches are refreshed; default: nowhere, with a warning
  --tables A,B       recalculates only what writes these tables
  --as-of INSTANT    when open shifts and the current status are seen; default: in the middle of the last made-up day,
                     or now. Such as 2025-04-04T13:30:00Z`

/** What to recalculate, and where. */
export interface DemoOptions {
  readonly zone: string
  readonly from: IsoDate
  /** Inclusive. */
  readonly to: IsoDate
  readonly source:
    | {
        readonly kind: 'generator'
        readonly employees: number
        readonly days: number
        readonly seed: number
        /** The moment until which things are booked. */
        readonly until: Date
      }
    | { readonly kind: 'files'; readonly folder: string }
  readonly database: DemoDatabase
  readonly redis: string | undefined
  readonly tables: readonly string[] | undefined
  /** The job to go on with. */
  readonly resume: string | undefined
  /** Source rows are edited once everything is calculated. */
  readonly live: boolean
  /** A new rule is previewed, and then followed, once everything is calculated. */
  readonly preview: boolean
  /** The port to listen on, 0 for any; undefined: run one job and end. */
  readonly port: number | undefined
  /** Undefined: from where made-up bookings end, or from now. */
  readonly asOf: Date | undefined
}

const sourceOptions = ['data', 'zone', 'from', 'to', 'employees', 'days', 'seed'] as const
const placeOptions = ['sqlite', 'mysql', 'postgres', 'redis', 'tables', 'resume', 'as-of', 'port'] as const

type Name = (typeof sourceOptions)[number] | (typeof placeOptions)[number]
type Values = Readonly<Partial<Record<Name, string>>> & {
  readonly serve?: boolean
  readonly live?: boolean
  readonly preview?: boolean
}
type Work = Pick<DemoOptions, 'zone' | 'from' | 'to' | 'source'>

/** Twelve days from here include a day of 23 hours. */
const generatedFrom = '2025-03-24' as IsoDate
const generatedZone = 'Europe/Berlin'
/** On the last day: some are at work, some are off, some have not come yet. */
const generatedTime = 'T13:30:00Z'

/** @throws {UsageError} */
export function readOptions(args: readonly string[]): DemoOptions {
  const values = parse(args)
  const asOf = instantOption('as-of', values['as-of'])
  const work = values.data === undefined ? generatorOptions(values, asOf) : fileOptions(values, values.data)
  const database = databaseOption(values)
  if (values.resume !== undefined && database.kind === 'sqlite' && database.path === undefined) {
    throw new UsageError(
      '--resume JOB needs the database that the job is in: --sqlite FILE, --mysql URL or --postgres URL',
    )
  }
  return {
    ...work,
    database,
    redis: urlOption('redis', ['redis:', 'rediss:'], values.redis),
    tables: values.tables?.split(','),
    resume: values.resume,
    live: liveOption(values),
    preview: previewOption(values),
    port: portOption(values),
    asOf,
  }
}

function parse(args: readonly string[]): Values {
  try {
    const names = [...sourceOptions, ...placeOptions].map((name) => [name, { type: 'string' }] as const)
    const flags = ['serve', 'live', 'preview'].map((name) => [name, { type: 'boolean' }] as const)
    const options = Object.fromEntries([...names, ...flags])
    return parseArgs({ args: [...args], options }).values as Values // strings and booleans, by the names above
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function generatorOptions(values: Values, asOf: Date | undefined): Work {
  refuse(values, ['zone', 'from', 'to'], 'goes with --data DIR')
  const days = numberOption('days', values.days ?? '12', 1, 3_660)
  const employees = numberOption('employees', values.employees ?? '50', 1, 100_000)
  const seed = numberOption('seed', values.seed ?? '1', 0, 1_000_000)
  const to = addDays(generatedFrom, days - 1)
  const until = asOf ?? new Date(`${to}${generatedTime}`)
  const source = { kind: 'generator', employees, days, seed, until } as const
  return { zone: generatedZone, from: generatedFrom, to, source }
}

function fileOptions(values: Values, folder: string): Work {
  refuse(values, ['employees', 'days', 'seed'], 'is for made-up data and does not go with --data')
  const zone = zoneOption('zone', values.zone)
  const from = dateOption('from', values.from)
  const to = dateOption('to', values.to)
  if (to < from) throw unexpected('to', `a date from ${from} on`, to)
  return { zone, from, to, source: { kind: 'files', folder } }
}

function liveOption(values: Values): boolean {
  if (!values.live) return false
  if (values.serve) throw new UsageError('--live edits rows by itself and does not go with --serve')
  refuse(values, ['resume', 'tables'], 'leaves out what --live recalculates')
  return true
}

function previewOption(values: Values): boolean {
  if (!values.preview) return false
  if (values.serve) throw new UsageError('--preview has a rule of its own and does not go with --serve')
  if (values.live) throw new UsageError('--preview compares two runs, between which --live would edit rows')
  refuse(values, ['resume', 'tables'], 'leaves out what --preview recalculates')
  return true
}

function portOption(values: Values): number | undefined {
  if (values.serve) {
    refuse(values, ['resume', 'tables'], 'is chosen in the console and does not go with --serve')
    return numberOption('port', values.port ?? '3000', 0, 65_535)
  }
  refuse(values, ['port'], 'goes with --serve')
  return undefined
}

function refuse(values: Values, names: readonly Name[], why: string): void {
  const given = names.find((name) => values[name] !== undefined)
  if (given !== undefined) throw new UsageError(`--${given} ${why}`)
}
