import { isKnownTable, periodReaders, tenantReaders } from '../pipeline/affected-days.ts'
import { messageOf } from '../run/failure.ts'
import type { EmployeeZones } from '../run/plan/zones.ts'
import type { ChangeContent, ChangeState, StoredChange } from './change-ledger.ts'
import type { ChangesSettings } from './changes-settings.ts'
import type { DaySpan } from './day-set.ts'
import { dirtySpansOf, horizonAt, type Place } from './dirty-days.ts'
import { addTo, DirtyEmployee, stageOf } from './dirty-employee.ts'
import { dirtyPeriodsOf } from './dirty-periods.ts'

/** Up to so many changes are read together. */
const READ_LIMIT = 5_000

/** More are read an employee after the other, so many at once. */
const PAGE = 20_000

const ALL: readonly ChangeState[] = ['waiting', 'failing', 'held']

/** Whose changes are taken, and in which zones their instants become days. */
export interface TakenLane {
  readonly tenantId: string
  readonly employeeIds: readonly string[]
  /** The tenant's. */
  readonly zone: string
  /** Undefined: everybody is in the tenant's zone. */
  readonly employeeZones: EmployeeZones | undefined
}

/** The changes of some employees, put together. */
export interface ReadLane {
  readonly employees: ReadonlyMap<string, DirtyEmployee>
  /** The ids of those that were read, but for those that are not due. */
  readonly read: number[]
  /** Changes of tables that no stage of this service reads: another service may know them. */
  readonly unknown: readonly StoredChange[]
  /** Tenant stages that read a table that was changed by hand. */
  readonly stages: ReadonlySet<string>
  readonly horizon: DaySpan
}

/** Reads what is dirty of employees who are locked. */
export async function readLane<Tx>(settings: ChangesSettings<Tx>, tx: Tx, lane: TakenLane): Promise<ReadLane> {
  const { tenantId, employeeIds } = lane
  const reader = new LaneReader(settings, lane)
  const read = (states: readonly ChangeState[], limit: number) =>
    settings.changes.read(tx, tenantId, { employeeIds, states, limit })
  const found = await read(ALL, READ_LIMIT)
  if (found.length < READ_LIMIT) {
    await reader.addAll(found)
    return reader
  }
  // Of so many, only the days are kept.
  await reader.addAll(await read(['failing', 'held'], Number.MAX_SAFE_INTEGER))
  for (const employeeId of employeeIds) {
    for (let after = 0; ; ) {
      const page = await settings.changes.readWaiting(tx, tenantId, { employeeId, after, limit: PAGE })
      await reader.addAll(page)
      after = page.at(-1)?.id ?? 0
      if (page.length < PAGE) break
    }
  }
  return reader
}

class LaneReader<Tx> implements ReadLane {
  readonly employees = new Map<string, DirtyEmployee>()
  readonly read: number[] = []
  readonly unknown: StoredChange[] = []
  readonly stages = new Set<string>()
  readonly horizon: DaySpan
  readonly #settings: ChangesSettings<Tx>
  readonly #lane: TakenLane
  readonly #place: Place

  constructor(settings: ChangesSettings<Tx>, lane: TakenLane) {
    this.#settings = settings
    this.#lane = lane
    this.#place = { zone: lane.zone, dayStart: { startsAt: settings.dayStartsAt } }
    this.horizon = horizonAt(settings.clock.now(), this.#place, settings.horizon)
  }

  async addAll(changes: readonly StoredChange[]): Promise<void> {
    const seen = new Set<ChangeContent>()
    for (const change of changes) {
      // The same once more adds nothing, but is to be removed as well.
      if (change.state === 'waiting' && seen.has(change.content)) {
        this.#addSame(change)
        continue
      }
      if (change.state === 'waiting') seen.add(change.content)
      const hasInstants = 'table' in change.content && change.content.at !== undefined
      const zones = hasInstants ? this.#lane.employeeZones : undefined
      this.#add(
        change,
        zones && change.employeeId !== null ? await this.#placeOf(change.employeeId, zones) : this.#place,
      )
    }
  }

  #addSame({ id, employeeId, notedAt }: StoredChange): void {
    const employee = this.employees.get(employeeId ?? '')
    if (!employee) return
    this.read.push(id)
    employee.notedAt = Math.min(employee.notedAt, notedAt)
  }

  /** Who is somewhere that nobody can tell is taken for everywhere: a day too many is calculated, none is missed. */
  async #placeOf(employeeId: string, zones: EmployeeZones): Promise<Place> {
    try {
      return { ...this.#place, zone: await zones(employeeId) }
    } catch (err) {
      const fields = { err, tenantId: this.#lane.tenantId, employeeId }
      this.#settings.logger.warn(fields, `The zone of an employee with changes is not known: ${messageOf(err)}`)
      return { ...this.#place, zone: undefined }
    }
  }

  #add(change: StoredChange, place: Place): void {
    const { content, employeeId, id, state, dueAt, notedAt } = change
    if (employeeId === null || 'stage' in content) return
    const { pipeline, clock } = this.#settings
    let employee = this.employees.get(employeeId)
    if (!employee) {
      employee = new DirtyEmployee()
      this.employees.set(employeeId, employee)
    }
    const isParked = state !== 'waiting'
    if (isParked && dueAt > clock.now()) {
      if ('days' in content) employee.parked.push(change)
      return
    }
    this.read.push(id)
    if ('table' in content && !isKnownTable(pipeline, content.table)) {
      this.unknown.push(change)
      return
    }
    if (isParked) employee.due.push(change)
    employee.notedAt = Math.min(employee.notedAt, notedAt)
    addTo(employee.byStage, stageOf(content), dirtySpansOf(content, { pipeline, place, horizon: this.horizon }))
    if (!('table' in content)) return
    employee.tables.add(content.table)
    for (const stage of periodReaders(pipeline, content.table)) {
      addTo(employee.byStage, stage.name, dirtyPeriodsOf(stage, content, place, this.horizon))
    }
    for (const stage of tenantReaders(pipeline, [content.table])) this.stages.add(stage)
  }
}
