import {
  type DailyCalc,
  type EmployeeDay,
  type JobEvent,
  type JobHandle,
  memoryBackend,
  type RecalcBackend,
  RecalcService,
  type RecalcServiceOptions,
  type Stage,
} from 'recalc-service'
import { type ManualClock, manualClock } from 'recalc-service/testing'
import { changedStore } from './changed-store.ts'

type Options = Partial<Omit<RecalcServiceOptions<undefined>, 'dailyCalc' | 'stages' | 'clock' | 'logger'>> & {
  readonly stages?: readonly Stage<undefined>[]
  readonly clock?: ManualClock
  readonly backend?: RecalcBackend<undefined>
  readonly staff?: readonly string[]
  /** What the calculator does with a day; `'e1 2025-01-01'` names it. */
  readonly calculate?: (day: string, signal: AbortSignal) => unknown
  readonly onLog?: (message: string, fields: object) => void
}

/** What a service logged. */
interface LogEntry {
  readonly level: string
  readonly message: string
  /** What the entry calls `err`, as pino wants errors to be called. */
  readonly error: unknown
}

/** A service over a manual clock, with an eye on everything that it does. */
export interface Office {
  readonly service: RecalcService<undefined>
  readonly clock: ManualClock
  readonly backend: RecalcBackend<undefined>
  /** The days that were calculated, in order: `'e1 2025-01-01'`. */
  readonly calculated: string[]
  /** Days whose calculation throws. */
  readonly failing: Set<string>
  readonly log: LogEntry[]
}

export const TENANT = 'acme'

/** Three days. */
export const RANGE = { tenantId: TENANT, from: '2025-01-01', to: '2025-01-03' } as const

export function office(options: Options = {}): Office {
  const {
    clock = manualClock(),
    backend = memoryBackend(),
    staff = ['e1', 'e2'],
    calculate,
    stages,
    onLog,
    ...rest
  } = options
  const calculated: string[] = []
  const failing = new Set<string>()
  const log: LogEntry[] = []
  const dailyCalc: DailyCalc<undefined> = {
    async calculateDay(day, { signal }) {
      const name = nameOf(day)
      calculated.push(name)
      await calculate?.(name, signal)
      if (failing.has(name)) throw new RangeError(`no hours for ${name}`)
    },
  }
  const note = (level: string) => (fields: object, message: string) => {
    onLog?.(message, fields)
    log.push({ level, message, error: (fields as { err?: unknown }).err })
  }
  const service = new RecalcService<undefined>({
    ...(stages ? { stages } : { dailyCalc }),
    employees: repository(staff),
    concurrency: 1,
    ...rest,
    clock,
    backend,
    logger: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
  })
  return { service, clock, backend, calculated, failing, log }
}

function repository(staff: readonly string[]) {
  return {
    async listEmployees({ after, limit }: { readonly after?: string; readonly limit: number }) {
      const rest = staff.filter((id) => after === undefined || id > after)
      return rest.slice(0, limit).map((id) => ({ id, name: `Employee ${id}` }))
    },
    countEmployees: async () => staff.length,
  }
}

function nameOf({ employeeId, date }: EmployeeDay): string {
  return `${employeeId} ${date}`
}

/** Every event of a job up to the last one of its present run. */
export async function eventsOf(job: JobHandle): Promise<readonly JobEvent[]> {
  const events: JobEvent[] = []
  for await (const event of job.events()) events.push(event)
  return events
}

/** What events are called, in order. */
export function typesOf(events: readonly JobEvent[]): readonly string[] {
  return events.map(({ type }) => type)
}

/** An office whose process is as good as dead once its calculator has begun: it gives no sign of life and ends nothing. */
export function dyingOffice(backend: RecalcBackend<undefined>, clock: ManualClock): Office {
  const never = () => new Promise<never>(() => {})
  // A process of its own, so it holds no lock of this one.
  const apart = { jobs: backend.jobs, unitOfWork: memoryBackend().unitOfWork }
  return office({ backend: changedStore(apart, () => ({ renew: never })), clock, calculate: never })
}
