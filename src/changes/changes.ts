import { fromEpochDay } from '../calendar/epoch-day.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import { InvalidRequestError, type RecalcError } from '../errors.ts'
import { expected, isPlainObject, unknownProperty } from '../expectation.ts'
import { affectedReach } from '../pipeline/affected-days.ts'
import { RunControl } from '../run/run-control.ts'
import { refuseNestedCall } from '../run/units/nested-calls.ts'
import { OF_JOB, SYNCHRONOUS } from '../run/units/unit-slots.ts'
import { affectedStages } from './affected-periods.ts'
import { type Change, checkChange } from './change.ts'
import type { ChangeState, LedgerState, StoredChange } from './change-ledger.ts'
import type { ChangesSettings } from './changes-settings.ts'
import { horizonAt, reach, spansOf } from './dirty-days.ts'
import type { Settled } from './settle-now.ts'
import { settleNow } from './settle-now.ts'
import { settleOwner } from './settle-owner.ts'
import { type BulkJobRequest, Settler } from './settler.ts'

/** So many failing and held changes are looked at to find their tenants. */
const PARKED = 1_000

/** The days that a change touches at most. */
export interface AffectedDays {
  /** The first day. */
  readonly from: IsoDate
  /** Inclusive; `null`: a value is carried on without end. */
  readonly to: IsoDate | null
  /** The same for each day stage that is touched, and for each period stage the days of its periods. */
  readonly stages: readonly {
    /** The name of the stage. */
    readonly stage: string
    /** The first day. */
    readonly from: IsoDate
    /** Inclusive; `null`: a value is carried on without end. */
    readonly to: IsoDate | null
  }[]
}

/** Which changes to list. */
export interface DirtyQuery {
  /** Whose changes. */
  readonly tenantId: string
  /** Only those in this state. Default: all. */
  readonly state?: ChangeState
  /** The id of the last one of the page before. */
  readonly after?: number
  /** Default 100. */
  readonly limit?: number
}

/** Whose changes are meant: one employee's, or the whole tenant's. */
export interface DirtyScope {
  /** The tenant. */
  readonly tenantId: string
  /** One employee of the tenant. Default: everybody. */
  readonly employeeId?: string
}

/** The changes of a service: noted, listed, and settled, now or in the background. */
export class Changes<Tx> {
  readonly #settings: ChangesSettings<Tx>
  readonly #settler: Settler<Tx>
  readonly #background = new RunControl()
  readonly #settling = new Map<RunControl, Promise<unknown>>()

  constructor(
    settings: ChangesSettings<Tx>,
    startJob: (request: BulkJobRequest) => Promise<{ readonly ended: Promise<boolean> } | undefined>,
  ) {
    this.#settings = settings
    this.#settler = new Settler({ owner: settleOwner(settings, this.#background, OF_JOB), startJob })
  }

  /** Appends a change in the host's transaction. */
  async note(tx: Tx, change: Change): Promise<void> {
    const checked = this.#check(change)
    await this.#settings.changes.note(tx, [checked])
    this.#settler.noted(checked)
  }

  /** The statement that does the same. */
  statement(change: Change): { readonly sql: string; readonly parameters: readonly unknown[] } {
    const checked = this.#check(change)
    const { changes } = this.#settings
    if (!changes.statement) {
      throw new InvalidRequestError(
        'This backend keeps changes in memory: there is no statement that notes one; use `noteChange`',
      )
    }
    this.#settler.noted(checked)
    return changes.statement([checked])
  }

  affectedDays(change: Change): AffectedDays {
    const { tenantId, employeeId, content } = this.#check(change)
    const { pipeline, clock, horizon, zones, dayStartsAt: startsAt } = this.#settings
    const dayStart = { startsAt }
    const bounds = horizonAt(clock.now(), { zone: zones.knownOf(tenantId, undefined), dayStart }, horizon)
    const zone = employeeId === null ? zones.ofEverybody : zones.knownOf(tenantId, employeeId)
    const place = { zone, dayStart }
    const spans = 'table' in content ? spansOf(content, place, bounds) : []
    const ofDays = [...('table' in content ? affectedReach(pipeline, content.table) : [])].map(([stage, offsets]) => {
      const days = spans.map((span) => reach(span, offsets, bounds))
      const isEndless = offsets.last === Number.POSITIVE_INFINITY
      return { stage, first: firstOf(days), last: isEndless ? null : lastOf(days) }
    })
    const table = 'table' in content ? content.table : ''
    const touched = affectedStages(pipeline, { table, spans }, ofDays, bounds)
    const first = firstOf(touched.length > 0 ? touched : spans)
    const lasts = touched.map(({ last }) => last)
    const last = lasts.includes(null)
      ? null
      : Math.max(...lasts.map(Number), ...(touched.length > 0 ? [] : [lastOf(spans)]))
    return {
      from: fromEpochDay(first),
      to: dateOrNull(last),
      stages: touched.map((stage) => ({
        stage: stage.stage,
        from: fromEpochDay(stage.first),
        to: dateOrNull(stage.last),
      })),
    }
  }

  /** Settles what is due of an employee or a tenant; resolves when nothing of it is waiting any more. */
  async settle(scope: DirtyScope, options: { readonly signal?: AbortSignal } = {}): Promise<Settled> {
    const { tenantId, employeeId } = checkScope(scope)
    const { signal } = checkKnown('options', options, ['signal'])
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new InvalidRequestError(expected('signal', 'an AbortSignal', signal))
    }
    refuseNestedCall(this.#settings.watchdog, 'settle')
    signal?.throwIfAborted()
    const control = new RunControl()
    const abort = () => {
      control.stop({ status: 'cancelled', cause: signal?.reason })
      control.abort(signal?.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
    const settling = settleNow(settleOwner(this.#settings, control, SYNCHRONOUS), { tenantId, employeeId })
    this.#settling.set(
      control,
      settling.catch(() => {}),
    )
    try {
      const settled = await settling
      if (control.stopped) throw control.stopped.cause
      return settled
    } catch (error) {
      throw control.stopped ? control.stopped.cause : error
    } finally {
      this.#settling.delete(control)
      signal?.removeEventListener('abort', abort)
    }
  }

  async freshness(query: { readonly tenantId?: string } = {}): Promise<LedgerState> {
    const { tenantId } = checkKnown('query', query, ['tenantId'])
    return await this.#settings.changes.state(tenantId === undefined ? undefined : checkId('tenantId', tenantId))
  }

  async listDirty(query: DirtyQuery): Promise<readonly StoredChange[]> {
    const {
      tenantId,
      state,
      after = 0,
      limit = 100,
    } = checkKnown('query', query, ['tenantId', 'state', 'after', 'limit'])
    const checked = {
      tenantId: checkId('tenantId', tenantId),
      state: state === undefined ? undefined : checkState(state),
      after: wholeNumber('after', after, 0),
      limit: wholeNumber('limit', limit, 1),
    }
    return await this.#settings.changes.list(checked)
  }

  /** Tenants with changes that are not settled. */
  async tenants({ limit = 100 }: { readonly limit?: number } = {}): Promise<readonly string[]> {
    const { changes } = this.#settings
    const most = wholeNumber('limit', limit, 1)
    const parked = await changes.parked({ now: Number.MAX_SAFE_INTEGER, limit: PARKED })
    const found = new Set(parked.map(({ tenantId }) => tenantId).slice(0, most))
    for (let place: string | null = null; found.size < most; ) {
      const tenant = await changes.nextTenant(place)
      if (!tenant) break
      found.add(tenant.tenantId)
      place = tenant.place
    }
    return [...found].slice(0, most).sort()
  }

  /** Looks again at once whether held days are still closed; resolves with the number of changes. */
  async releaseHeld(scope: DirtyScope): Promise<number> {
    const { tenantId, employeeId } = checkScope(scope)
    const released = await this.#settings.changes.release({ tenantId, employeeId, state: 'held' })
    if (released > 0 && employeeId !== undefined) this.#settler.noted({ tenantId, employeeId })
    return released
  }

  start(): void {
    this.#settler.start()
  }

  /** Lets blocks in flight commit and settles nothing more. */
  async stop(cause: RecalcError): Promise<void> {
    for (const control of [this.#background, ...this.#settling.keys()]) control.stop({ status: 'interrupted', cause })
    await Promise.all([this.#settler.stop(), ...this.#settling.values()])
  }

  /** Waits for nothing in flight any more. */
  abandon(cause: RecalcError): void {
    for (const control of [this.#background, ...this.#settling.keys()]) control.abandon(cause)
  }

  #check(change: Change) {
    const { pipeline, maxDays, clock } = this.#settings
    return checkChange(change, { pipeline, maxDays, now: clock.now() })
  }
}

function firstOf(spans: readonly { readonly first: number }[]): number {
  return Math.min(...spans.map(({ first }) => first))
}

function lastOf(spans: readonly { readonly last: number }[]): number {
  return Math.max(...spans.map(({ last }) => last))
}

function dateOrNull(day: number | null): IsoDate | null {
  return day === null ? null : fromEpochDay(day)
}

function checkScope(scope: unknown): { readonly tenantId: string; readonly employeeId: string | undefined } {
  const { tenantId, employeeId } = checkKnown('request', scope, ['tenantId', 'employeeId'])
  return {
    tenantId: checkId('tenantId', tenantId),
    employeeId: employeeId === undefined ? undefined : checkId('employeeId', employeeId),
  }
}

function checkKnown(name: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  const unknown = isPlainObject(value) ? unknownProperty(value, known) : undefined
  if (isPlainObject(value) && unknown === undefined) return value
  throw new InvalidRequestError(expected(name, `an object { ${known.join(', ')} }`, value))
}

function checkId(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new InvalidRequestError(expected(name, 'a non-empty string', value))
}

function checkState(state: unknown): ChangeState {
  if (state === 'waiting' || state === 'failing' || state === 'held') return state
  throw new InvalidRequestError(expected('state', "'waiting', 'failing' or 'held'", state))
}

function wholeNumber(name: string, value: unknown, least: number): number {
  if (Number.isSafeInteger(value) && Number(value) >= least) return Number(value)
  throw new InvalidRequestError(expected(name, `a whole number from ${least}`, value))
}
