import type { Timer } from '../calendar/clock.ts'
import { fromEpochDay } from '../calendar/epoch-day.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import { outsideCalculation } from '../run/units/nested-calls.ts'
import type { ChangeLane, ChangeWatch, StoredChange } from './change-ledger.ts'
import { DaySet } from './day-set.ts'
import { dirtySpansOf, horizonAt } from './dirty-days.ts'
import { settleLane } from './settle-lane.ts'
import { employeesOf, laneSize } from './settle-now.ts'
import type { SettleOwner } from './settle-owner.ts'
import { settleTenantStages, spreadToEmployees } from './settle-tenant.ts'

/** How many changes are read at a time. */
const PAGE = 1_000

/** The most tenants that one poll finds; the next poll goes on behind them. */
const TENANTS = 1_000

/** After so many blocks of one lane it is another tenant's turn. */
const BLOCKS_PER_TURN = 8

/** A stream of changes that does not end is settled all the same, after so many quiet times. */
const LONGEST_BURST = 10

/** The backoff of a tenant whose changes could not be settled, in milliseconds; it doubles. */
const FIRST_BACKOFF_MS = 1_000
const LONGEST_BACKOFF_MS = 3_600_000

/** The shortest time between two polls for a change of this process that may not be committed yet, in milliseconds. */
const FIRST_POLL_MS = 1

/** Many dirty days, to be recalculated as a job that people can see and cancel. */
export interface BulkJobRequest {
  readonly tenantId: string
  /** `null`: everybody. */
  readonly employeeIds: readonly string[] | null
  readonly from: IsoDate
  readonly to: IsoDate
}

/** A tenant that is being settled. */
interface Turn {
  readonly tenantId: string
  /** Employees to be settled before any other: changes of this process, or such that had failed. */
  urgent: readonly string[]
  /** The lane that was settled last; `null` at the beginning. */
  after: ChangeLane | null
  /** Only the urgent ones are settled. */
  readonly isUrgentOnly: boolean
}

interface SettlerOptions<Tx> {
  readonly owner: SettleOwner<Tx>
  /** Begins a job; resolves with a promise of how it ended, or with `undefined` when it is not let in. */
  startJob(request: BulkJobRequest): Promise<{ readonly ended: Promise<boolean> } | undefined>
}

/**
 * Settles changes in the background. It polls for tenants that have changes, and gives each tenant its turn. A turn is a few
 * blocks of one lane of employees. So a tenant with three changes does not wait for one with a million.
 *
 * Changes of this process are polled for at once, and again at growing intervals: their transaction may commit later.
 */
export class Settler<Tx> {
  readonly #options: SettlerOptions<Tx>
  readonly #queue: Turn[] = []
  readonly #running = new Set<Promise<void>>()
  /** Tenants that wait: for the end of a job, or after an error. */
  readonly #backoffs = new Map<string, { ms: number; until: number }>()
  readonly #noted = new Map<string, { readonly lane: ChangeLane; delayMs: number }>()
  #place: string | null = null
  #watch: ChangeWatch | undefined
  #isPolling = false
  /** The time until the next poll for changes of other processes. */
  #pollMs: number
  #isStarted = false
  #stopped = false
  #pollTimer: Timer | undefined
  #notedTimer: Timer | undefined

  constructor(options: SettlerOptions<Tx>) {
    this.#options = options
    this.#pollMs = this.#settings.settle.intervalMs
  }

  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    outsideCalculation(() => {
      this.#watch = this.#settings.changes.watch?.(() => this.#woken())
      this.#pollAfter(0)
    })
  }

  /** A change was noted in this process; its transaction may still be open. */
  noted(lane: ChangeLane): void {
    if (!this.#isStarted || this.#stopped || this.#settings.settle.quietMs > 0) return
    this.#noted.set(JSON.stringify([lane.tenantId, lane.employeeId]), { lane, delayMs: FIRST_POLL_MS })
    outsideCalculation(() => this.#pollNotedAfter(FIRST_POLL_MS))
  }

  /** Settles nothing more; resolves once what is in flight has come to an end. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#pollTimer?.cancel()
    this.#notedTimer?.cancel()
    await this.#watch?.stop()
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  get #settings() {
    return this.#options.owner.settings
  }

  /** Another process has noted something: polls at once, and again at growing intervals. */
  #woken(): void {
    this.#pollMs = FIRST_POLL_MS
    if (!this.#isPolling) this.#pollAfter(0)
  }

  #pollAfter(delayMs: number): void {
    this.#pollTimer?.cancel()
    if (this.#stopped) return
    this.#pollTimer = this.#settings.clock.setTimeout(() => this.#run(() => this.#findTenants()), delayMs)
    this.#pollTimer.unref()
  }

  #pollNotedAfter(delayMs: number): void {
    if (this.#notedTimer || this.#stopped) return
    this.#notedTimer = this.#settings.clock.setTimeout(() => {
      this.#notedTimer = undefined
      this.#run(() => this.#findNoted())
    }, delayMs)
    this.#notedTimer.unref()
  }

  /** Something that `stop` waits for; it never throws. */
  #run(work: () => Promise<void>): void {
    const running = work()
      .catch((err: unknown) => {
        if (!this.#stopped) this.#settings.logger.error({ err }, 'Changes could not be settled')
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async #findTenants(): Promise<void> {
    const { changes, clock, settle } = this.#settings
    this.#isPolling = true
    try {
      const now = clock.now()
      if (!(await changes.hasDue(now))) return
      const parked = await changes.parked({ now, limit: PAGE })
      const ofTenant = Map.groupBy(parked, ({ tenantId }) => tenantId)
      for (const [tenantId, own] of ofTenant) this.#enqueue({ tenantId, urgent: employeesOf(own), isUrgentOnly: false })
      for (let found = 0; found < TENANTS && !this.#stopped; found++) {
        const tenant = await changes.nextTenant(this.#place)
        this.#place = tenant?.place ?? null
        if (!tenant) break
        this.#enqueue({ tenantId: tenant.tenantId, urgent: [], isUrgentOnly: false })
      }
    } finally {
      this.#isPolling = false
      this.#pollAfter(this.#pollMs)
      this.#pollMs = Math.min(settle.intervalMs, this.#pollMs * 2)
      this.#takeTurns()
    }
  }

  /** Changes of this process whose transactions have been committed by now. */
  async #findNoted(): Promise<void> {
    const { changes, clock, settle } = this.#settings
    const polled = [...this.#noted]
    const lanes = polled.map(([, { lane }]) => lane)
    const due = await changes.dueAmong(lanes, clock.now())
    const found = new Set(due.map(({ tenantId, employeeId }) => JSON.stringify([tenantId, employeeId])))
    for (const [key, note] of polled) {
      if (this.#noted.get(key) !== note) continue // noted once more meanwhile
      if (found.has(key) || note.delayMs > settle.intervalMs) this.#noted.delete(key)
      else note.delayMs *= 2
    }
    for (const { tenantId, employeeId } of due) {
      if (employeeId === null) this.#enqueue({ tenantId, urgent: [], isUrgentOnly: false })
      else this.#enqueue({ tenantId, urgent: [employeeId], isUrgentOnly: true }, true)
    }
    this.#takeTurns()
    const delays = this.#noted.values().map(({ delayMs }) => delayMs)
    const next = Math.min(...delays)
    if (next < Number.POSITIVE_INFINITY) this.#pollNotedAfter(next)
  }

  #enqueue(turn: Omit<Turn, 'after'>, atOnce = false): void {
    const queued = this.#queue.find(
      ({ tenantId, isUrgentOnly }) => tenantId === turn.tenantId && isUrgentOnly === turn.isUrgentOnly,
    )
    if (queued) {
      queued.urgent = [...new Set([...queued.urgent, ...turn.urgent])]
      return
    }
    const added = { ...turn, after: null }
    if (atOnce) this.#queue.unshift(added)
    else this.#queue.push(added)
  }

  #takeTurns(): void {
    while (!this.#stopped && this.#queue.length > 0 && this.#running.size < this.#settings.concurrency + 1) {
      const place = this.#queue.findIndex((turn) => !this.#isBackingOff(turn))
      const [turn] = place < 0 ? [] : this.#queue.splice(place, 1)
      if (!turn) {
        this.#queue.length = 0 // the next poll finds them
        return
      }
      this.#run(() => this.#takeTurn(turn))
    }
  }

  #isBackingOff({ tenantId, isUrgentOnly }: Turn): boolean {
    const backoff = this.#backoffs.get(tenantId)
    return !isUrgentOnly && backoff !== undefined && backoff.until > this.#settings.clock.now()
  }

  async #takeTurn(turn: Turn): Promise<void> {
    const { logger } = this.#settings
    try {
      const isDone = await this.#settleSome(turn)
      this.#resetBackoff(turn.tenantId)
      if (!isDone) this.#queue.push(turn)
    } catch (err) {
      if (!this.#stopped) logger.error({ tenantId: turn.tenantId, err }, 'Changes of a tenant could not be settled')
      this.#backOff(turn.tenantId)
    }
    // Once this turn is no longer counted.
    queueMicrotask(() => queueMicrotask(() => this.#takeTurns()))
  }

  /** One lane of the tenant; true when it has no other. */
  async #settleSome(turn: Turn): Promise<boolean> {
    const { owner } = this.#options
    const { tenantId } = turn
    if (turn.urgent.length > 0) {
      const size = laneSize(owner)
      const employeeIds = turn.urgent.slice(0, size)
      turn.urgent = turn.urgent.slice(size)
      await settleLane(owner, { tenantId, employeeIds }, BLOCKS_PER_TURN)
      if (!turn.isUrgentOnly || turn.urgent.length > 0) return false
      return true
    }
    return turn.isUrgentOnly || (await this.#settleNextLane(turn))
  }

  async #settleNextLane(turn: Turn): Promise<boolean> {
    const { owner } = this.#options
    const { changes } = this.#settings
    const { tenantId } = turn
    const isFirst = turn.after === null
    let page = await changes.waiting(tenantId, { after: turn.after, limit: PAGE })
    const spread = page.some(isOfTenant) ? await spreadToEmployees(owner, tenantId) : 0
    if (spread > 0) page = await changes.waiting(tenantId, { after: turn.after, limit: PAGE })
    if (isFirst && (await this.#startJobIfMany(tenantId, page, spread))) return true
    const employeeIds = employeesOf(page).slice(0, laneSize(owner))
    const last = employeeIds.at(-1)
    if (last === undefined) {
      await settleTenantStages(owner, tenantId)
      return true
    }
    turn.after = { tenantId, employeeId: last }
    const quiet = this.#quiet(page, employeeIds)
    if (quiet.length > 0) await settleLane(owner, { tenantId, employeeIds: quiet }, BLOCKS_PER_TURN)
    return false
  }

  /** Employees of whom no change has come for a while. */
  #quiet(page: readonly StoredChange[], employeeIds: readonly string[]): readonly string[] {
    const { clock, settle } = this.#settings
    const { quietMs } = settle
    if (quietMs === 0) return employeeIds
    const times = Map.groupBy(page, ({ employeeId }) => employeeId)
    const now = clock.now()
    return employeeIds.filter((id) => {
      // What was noted later than now was noted by a wrong clock, which tells nothing of a burst.
      const noted = (times.get(id) ?? []).map(({ notedAt }) => notedAt).filter((notedAt) => notedAt <= now)
      return Math.max(...noted) <= now - quietMs || Math.min(...noted) <= now - LONGEST_BURST * quietMs
    })
  }

  /** Starts a job when there are many dirty days, and leaves the tenant to that job until it has ended. */
  async #startJobIfMany(tenantId: string, page: readonly StoredChange[], spread: number): Promise<boolean> {
    const { settle, logger } = this.#settings
    const load = this.#loadOf(tenantId, page)
    if (!load || load.days * Math.max(1, spread / load.employeeIds.length) <= settle.jobAbove) return false
    const range = { from: fromEpochDay(load.from), to: fromEpochDay(load.to) }
    const job = await this.#options.startJob({
      tenantId,
      employeeIds: spread > 0 ? null : load.employeeIds,
      ...range,
    })
    if (!job) return false
    logger.info(
      { tenantId, ...load, ...range, employeeIds: load.employeeIds.length },
      'Many dirty days have become a job',
    )
    const backoff = { ms: this.#backoffs.get(tenantId)?.ms ?? 0, until: Number.POSITIVE_INFINITY }
    this.#backoffs.set(tenantId, backoff)
    void job.ended.then((isCompleted) => {
      if (this.#stopped) return
      if (isCompleted) this.#backoffs.delete(tenantId)
      else {
        backoff.ms = Math.min(LONGEST_BACKOFF_MS, Math.max(60_000, backoff.ms * 2))
        backoff.until = this.#settings.clock.now() + backoff.ms
      }
      this.#pollAfter(0)
    })
    return true
  }

  /** The dirty days of a page of changes, when a job for them would not calculate many others. */
  #loadOf(tenantId: string, page: readonly StoredChange[]) {
    const { clock, pipeline, horizon, zones, dayStartsAt: startsAt, maxDays } = this.#settings
    // An estimate: what a job leaves, because a zone was answered later, is settled behind it.
    const place = { zone: zones.knownOf(tenantId, undefined), dayStart: { startsAt } }
    const given = { pipeline, place, horizon: horizonAt(clock.now(), place, horizon) }
    const daysOf = new Map<string, DaySet>()
    for (const { employeeId, content } of page) {
      if (employeeId === null || 'stage' in content) continue
      const days = daysOf.get(employeeId) ?? new DaySet()
      daysOf.set(employeeId, days)
      days.addAll(dirtySpansOf(content, given))
    }
    const spans = daysOf
      .values()
      .flatMap(({ spans: own }) => own)
      .toArray()
    const from = spans.reduce((least, { first }) => Math.min(least, first), Number.POSITIVE_INFINITY)
    const to = spans.reduce((most, { last }) => Math.max(most, last), Number.NEGATIVE_INFINITY)
    const days = spans.reduce((sum, { first, last }) => sum + last - first + 1, 0)
    const isDense = days > 0 && (to - from + 1) * daysOf.size <= 4 * days && to - from < maxDays
    return isDense ? { days, from, to, employeeIds: [...daysOf.keys()] } : undefined
  }

  #backOff(tenantId: string): void {
    const ms = Math.min(LONGEST_BACKOFF_MS, (this.#backoffs.get(tenantId)?.ms ?? FIRST_BACKOFF_MS / 2) * 2)
    this.#backoffs.set(tenantId, { ms, until: this.#settings.clock.now() + ms })
  }

  /** A turn has succeeded: the next backoff is short again. A tenant that waits for a job goes on waiting. */
  #resetBackoff(tenantId: string): void {
    if (this.#backoffs.get(tenantId)?.until !== Number.POSITIVE_INFINITY) this.#backoffs.delete(tenantId)
  }
}

function isOfTenant({ employeeId, content }: StoredChange): boolean {
  return employeeId === null && 'table' in content
}
