import { sql } from 'kysely'
import type {
  ChangeLane,
  ChangeLedger,
  ChangeQuery,
  ChangeState,
  ChangeWatch,
  LedgerState,
  LedgerUpdate,
  NewChange,
  StoredChange,
  TenantPlace,
} from '../../changes/change-ledger.ts'
import type { Engine } from '../engines/engine.ts'
import type { JobDatabase } from '../job-database.ts'
import { statements } from '../statements.ts'
import { type RecalcDb, rawTable, sideTable } from '../tables.ts'
import { bodyOf, type ChangeRow, changesOf, laneKey, rowBytes, rowOf, stateNumber } from './change-rows.ts'
import type { ChangesDb } from './changes-table.ts'
import { inserting, NoteStatement } from './note-statement.ts'

const COLUMNS = ['id', 'state', 'noted_at', 'due_at', 'body'] as const

const WAITING = stateNumber('waiting')

/** The most rows that one statement adds. */
const MAX_ADDED = 125

/** The most rows that one statement removes, and the bytes that the id of each takes in it. */
const MAX_REMOVED = 10_000
const ID_BYTES = 17

/**
 * Changes in a table beside the host's own. Noting is one insert of one row, and nobody waits for it: rows are only ever
 * locked by whoever inserts or removes them, each by its own number.
 */
export class SqlChangeLedger<Tx> implements ChangeLedger<Tx> {
  readonly #database: JobDatabase
  readonly #dbOf: (tx: Tx) => ChangesDb
  readonly #table: 'changes'
  readonly #engine: Engine
  readonly #noteStatement: NoteStatement
  readonly #watch: ((wake: () => void) => ChangeWatch) | undefined

  /**
   * @param dbOf The library's tables in a transaction of the host.
   * @param watch Undefined: nobody tells of changes.
   */
  constructor(
    database: JobDatabase,
    prefix: string,
    dbOf: (tx: Tx) => RecalcDb,
    watch?: (wake: () => void) => ChangeWatch,
  ) {
    this.#watch = watch
    this.#engine = database.engine
    this.#database = database
    this.#dbOf = (tx) => changesIn(dbOf(tx))
    this.#table = sideTable(prefix, 'changes')
    this.#noteStatement = new NoteStatement(this.#table, this.#engine)
  }

  async note(tx: Tx, changes: readonly NewChange[]): Promise<void> {
    const db = this.#dbOf(tx)
    const [first, ...others] = changes
    if (first && others.length === 0) await db.executeQuery(this.#noteStatement.of(db, rowOf(this.#engine, first)))
    else await this.#insert(db, changes, this.#engine.noting)
  }

  statement(changes: readonly NewChange[]): { readonly sql: string; readonly parameters: readonly unknown[] } {
    const rows = changes.map((change) => rowOf(this.#engine, change))
    const [first, ...others] = rows
    const db = changesIn(this.#database.db)
    const { sql: text, parameters } =
      first && others.length === 0
        ? this.#noteStatement.of(db, first)
        : (this.#engine.noting ?? inserting)(db, this.#table, rows).compile()
    return { sql: text, parameters }
  }

  async read(
    tx: Tx,
    tenantId: string,
    query: {
      readonly employeeIds: readonly (string | null)[]
      readonly states: readonly ChangeState[]
      readonly limit: number
    },
  ): Promise<readonly StoredChange[]> {
    const { employeeIds, states, limit } = query
    if (employeeIds.length === 0) return []
    const found = this.#dbOf(tx)
      .selectFrom(this.#table)
      .select(COLUMNS)
      .where('state', 'in', states.map(stateNumber))
      .where('tenant_hash', '=', this.#engine.ledgerKey(tenantId))
      .where(
        'employee_hash',
        'in',
        employeeIds.map((id) => laneKey(this.#engine, id)),
      )
    const limited = limit === Number.MAX_SAFE_INTEGER ? found : found.limit(limit)
    return changesOf(await limited.execute())
  }

  async readWaiting(
    tx: Tx,
    tenantId: string,
    { employeeId, after, limit }: { readonly employeeId: string; readonly after: number; readonly limit: number },
  ): Promise<readonly StoredChange[]> {
    const db = this.#dbOf(tx)
    // By its index: otherwise MariaDB may look for the employee's in all changes, in the order of their ids.
    const { rows } = await sql<ChangeRow>`select ${sql.join(COLUMNS.map((column) => sql.ref(column)))}
      from ${rawTable(recalcOf(db), this.#table)} ${this.#engine.indexHint(`${this.#table}_page`)}
      where state = ${WAITING} and tenant_hash = ${this.#engine.ledgerKey(tenantId)}
        and employee_hash = ${this.#engine.ledgerKey(employeeId)} and id > ${after}
      order by id limit ${sql.lit(limit)}`.execute(db)
    return changesOf(rows)
  }

  async update(tx: Tx, { remove, add }: LedgerUpdate): Promise<undefined> {
    const db = this.#dbOf(tx)
    // In the order of the keys, so that no two can wait for each other.
    const ids = remove.toSorted((a, b) => a - b)
    for (const group of statements(ids, () => ID_BYTES, MAX_REMOVED)) {
      await this.#engine.deleteRows(recalcOf(db), this.#table, group)
    }
    await this.#insert(db, add)
  }

  watch(wake: () => void): ChangeWatch | undefined {
    return this.#watch?.(wake)
  }

  async hasDue(now: number): Promise<boolean> {
    // Whoever polls finds later what has not come here yet.
    const row = await changesIn(this.#database.db)
      .selectFrom(this.#table)
      .select('id')
      .where('due_at', '<=', now)
      .limit(1)
      .executeTakeFirst()
    return row !== undefined
  }

  async nextTenant(after: string | null): Promise<TenantPlace | undefined> {
    const row = await this.#read((db) =>
      db
        .selectFrom(this.#table)
        .select(['tenant_hash', 'body'])
        .where('state', '=', WAITING)
        .where('tenant_hash', '>', after ?? '')
        .orderBy('state')
        .orderBy('tenant_hash')
        .orderBy('employee_hash')
        .limit(1)
        .executeTakeFirst(),
    )
    return row && { tenantId: bodyOf(row.body).tenantId, place: row.tenant_hash }
  }

  async waiting(
    tenantId: string,
    page: { readonly after: ChangeLane | null; readonly limit: number; readonly state?: 'waiting' | 'held' },
  ): Promise<readonly StoredChange[]> {
    const { after, limit, state = 'waiting' } = page
    const rows = await this.#read((db) =>
      db
        .selectFrom(this.#table)
        .select(COLUMNS)
        .where('state', '=', stateNumber(state))
        .where('tenant_hash', '=', this.#engine.ledgerKey(tenantId))
        .where('employee_hash', '>', after ? laneKey(this.#engine, after.employeeId) : '')
        // Not by the columns that are the same in all: MariaDB would then sort every change of the tenant.
        .orderBy('employee_hash')
        .limit(limit)
        .execute(),
    )
    return changesOf(rows)
  }

  async parked(query: {
    readonly tenantId?: string | undefined
    readonly now: number
    readonly limit: number
  }): Promise<readonly StoredChange[]> {
    const { tenantId, now, limit } = query
    const rows = await this.#read((db) => {
      const found = db
        .selectFrom(this.#table)
        .select(COLUMNS)
        .where('state', 'in', [1, 2])
        .where('due_at', '<=', now)
        .limit(limit)
      // One tenant's are found by their lane, all by when they are due.
      return tenantId === undefined
        ? found.where('due_at', '>=', 1).orderBy('due_at').execute()
        : found.where('tenant_hash', '=', this.#engine.ledgerKey(tenantId)).execute()
    })
    return changesOf(rows)
  }

  async dueAmong(lanes: readonly ChangeLane[], now: number): Promise<readonly ChangeLane[]> {
    if (lanes.length === 0) return []
    const due = new Set<ChangeLane>()
    for (const [tenantId, own] of Map.groupBy(lanes, (lane) => lane.tenantId)) {
      const byKey = new Map(own.map((lane) => [laneKey(this.#engine, lane.employeeId), lane]))
      const rows = await this.#read((db) =>
        db
          .selectFrom(this.#table)
          .select('employee_hash')
          .distinct()
          .where('state', 'in', [0, 1, 2])
          .where('tenant_hash', '=', this.#engine.ledgerKey(tenantId))
          .where('employee_hash', 'in', [...byKey.keys()])
          .where('due_at', '<=', now)
          .execute(),
      )
      for (const row of rows) {
        const lane = byKey.get(row.employee_hash)
        if (lane) due.add(lane)
      }
    }
    return [...due]
  }

  async release(query: {
    readonly tenantId: string
    readonly employeeId?: string | undefined
    readonly state: 'failing' | 'held'
  }): Promise<number> {
    const { tenantId, employeeId, state } = query
    const lane = employeeId === undefined ? sql`` : sql`and employee_hash = ${laneKey(this.#engine, employeeId)}`
    // By its index: of a small table all would be scanned, and who scans waits for each row that somebody is inserting.
    const { numAffectedRows = 0n } = await this.#database.write((db) =>
      sql`update ${rawTable(db, this.#table)} ${this.#engine.indexHint(`${this.#table}_page`)} set due_at = 1
        where state = ${stateNumber(state)} and tenant_hash = ${this.#engine.ledgerKey(tenantId)} ${lane} and due_at > 1`.execute(
        db,
      ),
    )
    return Number(numAffectedRows)
  }

  state(tenantId: string | undefined): Promise<LedgerState> {
    return this.#read((db) => this.#stateIn(db, tenantId))
  }

  async #stateIn(db: ChangesDb, tenantId: string | undefined): Promise<LedgerState> {
    const rows = await db
      .selectFrom(this.#table)
      .select((eb) => [
        'state',
        eb.fn.countAll<number | string>().as('changes'),
        eb.fn.min<number | string | null>('noted_at').as('oldest'),
      ])
      .where('state', 'in', [0, 1, 2])
      .$if(tenantId !== undefined, (query) => query.where('tenant_hash', '=', this.#engine.ledgerKey(tenantId ?? '')))
      .groupBy('state')
      .execute()
    const employees = await db
      .selectFrom((eb) =>
        eb
          .selectFrom(this.#table)
          .select(['tenant_hash', 'employee_hash'])
          .distinct()
          .where('state', 'in', [0, 1, 2])
          .where('employee_hash', '>', '-')
          .$if(tenantId !== undefined, (query) =>
            query.where('tenant_hash', '=', this.#engine.ledgerKey(tenantId ?? '')),
          )
          .as('lanes'),
      )
      .select((eb) => eb.fn.countAll<number | string>().as('employees'))
      .executeTakeFirstOrThrow()
    const of = (state: ChangeState) => rows.find((row) => Number(row.state) === stateNumber(state))
    const oldest = [of('waiting'), of('failing')].flatMap((row) => (row?.oldest == null ? [] : [Number(row.oldest)]))
    return {
      dirtyEmployees: Number(employees.employees),
      changes: rows.reduce((sum, { changes }) => sum + Number(changes), 0),
      oldestAt: oldest.length === 0 ? null : new Date(Math.min(...oldest)),
      failing: Number(of('failing')?.changes ?? 0),
      held: Number(of('held')?.changes ?? 0),
    }
  }

  async list({ tenantId, state, after, limit }: ChangeQuery): Promise<readonly StoredChange[]> {
    const rows = await this.#read((db) =>
      db
        .selectFrom(this.#table)
        .select(COLUMNS)
        .where('state', 'in', state === undefined ? [0, 1, 2] : [stateNumber(state)])
        .where('tenant_hash', '=', this.#engine.ledgerKey(tenantId))
        .where('id', '>', after)
        .orderBy('id')
        .limit(limit)
        .execute(),
    )
    return changesOf(rows)
  }

  #read<T>(work: (db: ChangesDb) => Promise<T>): Promise<T> {
    return this.#database.read(({ db }) => work(changesIn(db)))
  }

  async #insert(db: ChangesDb, changes: readonly NewChange[], query = inserting): Promise<void> {
    const rows = changes.map((change) => rowOf(this.#engine, change))
    for (const group of statements(rows, rowBytes, MAX_ADDED)) await query(db, this.#table, group).execute()
  }
}

function changesIn(db: RecalcDb): ChangesDb {
  return db as unknown as ChangesDb // the table is there once `migrate()` has run
}

function recalcOf(db: ChangesDb): RecalcDb {
  return db as unknown as RecalcDb // as it was before `changesIn`
}
