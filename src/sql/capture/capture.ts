import type { Kysely } from 'kysely'
import { CaptureError } from '../../errors.ts'
import type { Engine } from '../engines/engine.ts'
import { engineOf } from '../engines/engine-of.ts'
import { hash } from '../hash.ts'
import { type RecalcDb, recalcDb, schemaOf, sideTable } from '../tables.ts'
import type { CaptureTrigger, TableName } from './capture-engine.ts'
import type { CaptureSources } from './capture-source.ts'
import { type Reader, resolveCaptures } from './resolve-captures.ts'

/** What can be said about installing triggers. */
export interface CaptureOptions {
  /** As `sqlBackend` was given it. Default `recalc_`. */
  readonly prefix?: string
  /** The stages, or the `dailyCalc`: a source that none of them reads is refused. Default: not looked at. */
  readonly stages?: readonly Reader[]
}

/** A trigger by its name and its table. */
export interface CapturedBy {
  /** The table that has the trigger. */
  readonly table: string
  /** The trigger's name. */
  readonly trigger: string
}

/** In what the installed triggers differ from what the sources want; nothing in any of the lists: in nothing. */
export interface CaptureDrift {
  /** Not there: edits go unnoted. A new column or partition needs new triggers too. */
  readonly missing: readonly CapturedBy[]
  /** There, but altered or switched off by somebody. */
  readonly different: readonly CapturedBy[]
  /** Of no source, or of what one said before. */
  readonly leftOver: readonly CapturedBy[]
}

/**
 * Makes triggers on source tables that note every change of a row in the change ledger, whoever makes it. What is there
 * already stays; what is different or left over is replaced. Edits from before are not noted: recalculate once afterwards.
 *
 * Everything is checked first. Writers wait while the triggers of a table are made.
 *
 * @example
 * await installCapture(kysely, {
 *   bookings: { tenant: 'tenant_id', employee: 'employee_id', instants: ['come', 'go'] },
 *   absences: { tenant: 'tenant_id', employee: 'employee_id', dates: ['from_date', 'to_date'] },
 *   rules: { tenant: { always: 'acme' }, everybody: true, from: 'effective_from' },
 * })
 * @throws {InvalidOptionsError} for a source that says what the database does not have, or that no stage reads.
 * @throws {CaptureError} when the database would not fire triggers for all edits, or does not let them be made.
 */
export async function installCapture<Database>(
  kysely: Kysely<Database>,
  sources: CaptureSources,
  options: CaptureOptions = {},
): Promise<void> {
  const place = await placeOf(kysely, options)
  const { engine } = place
  await wantedTriggers(place, sources, options)
  const replace = async (own: RecalcDb) => {
    await engine.capture.lock?.(own)
    const inside = { ...place, db: own }
    const { missing, different, leftOver } = await compare(inside, await wantedTriggers(inside, sources, options))
    for (const { was } of different) await engine.capture.drop(own, was, place.ledger)
    // Before the old ones go: no edit falls between them. Meanwhile both note, which costs nothing but a note.
    for (const trigger of [...missing, ...different.map(({ wanted }) => wanted)]) {
      await engine.capture.create(own, trigger, place.ledger)
    }
    for (const trigger of leftOver) await engine.capture.drop(own, trigger, place.ledger)
  }
  await inTransaction(place, replace)
}

/** Removes all triggers of the prefix. What they have noted stays in the ledger. */
export async function uninstallCapture<Database>(
  kysely: Kysely<Database>,
  options: Pick<CaptureOptions, 'prefix'> = {},
): Promise<void> {
  const place = await placeOf(kysely, options)
  await inTransaction(place, async (db) => {
    for (const trigger of await place.engine.capture.installed(db, place.names)) {
      await place.engine.capture.drop(db, trigger, place.ledger)
    }
  })
}

/** Compares the triggers that are there with those that the sources want; writes nothing. Throws what `installCapture` throws. */
export async function checkCapture<Database>(
  kysely: Kysely<Database>,
  sources: CaptureSources,
  options: CaptureOptions = {},
): Promise<CaptureDrift> {
  const place = await placeOf(kysely, options)
  const { missing, different, leftOver } = await compare(place, await wantedTriggers(place, sources, options))
  const shown = ({ table, name }: CaptureTrigger): CapturedBy => ({ table: table.name, trigger: name })
  return {
    missing: missing.map(shown),
    different: different.map(({ was }) => shown(was)),
    leftOver: leftOver.map(shown),
  }
}

/** Where triggers are made, and what they write to. */
interface Place {
  readonly db: RecalcDb
  readonly engine: Engine
  readonly ledger: TableName
  /** What the names of all triggers begin with that write to this ledger. */
  readonly names: string
}

async function placeOf<Database>(kysely: Kysely<Database>, { prefix = 'recalc_' }: CaptureOptions): Promise<Place> {
  const db = recalcDb(kysely as unknown as Kysely<never>) // which tables the host has is of no interest here
  const engine = engineOf(kysely)
  const name = sideTable(prefix, 'changes')
  const schema = schemaOf(db) ?? (await engine.capture.currentSchema(db))
  if ((await engine.columnsOf(db, name, schema)).length === 0) {
    throw new CaptureError(`Expected the library's table ${JSON.stringify(name)} to be there: run its migrations first`)
  }
  const names = `${prefix}capture_${hash(schema ?? '', name).slice(0, 8)}_`
  return { db, engine, ledger: { schema, name }, names }
}

async function wantedTriggers(
  { db, engine, ledger, names }: Place,
  sources: CaptureSources,
  { stages }: CaptureOptions,
): Promise<readonly CaptureTrigger[]> {
  const captures = await resolveCaptures(db, engine, sources, { schema: ledger.schema, readers: stages })
  return captures.flatMap((capture) =>
    engine.capture.triggersOf(capture, ledger).map((trigger) => {
      const { schema = '', name } = trigger.table
      // By what it does: another trigger has another name, whatever the names of its table are and however long.
      return { ...trigger, name: names + hash(schema, name, trigger.definition).slice(0, 12) }
    }),
  )
}

async function compare({ db, engine, names }: Place, wanted: readonly CaptureTrigger[]) {
  const installed = new Map((await engine.capture.installed(db, names)).map((trigger) => [keyOf(trigger), trigger]))
  const missing: CaptureTrigger[] = []
  const different: { readonly was: CaptureTrigger; readonly wanted: CaptureTrigger }[] = []
  for (const trigger of wanted) {
    const was = installed.get(keyOf(trigger))
    installed.delete(keyOf(trigger))
    if (!was) missing.push(trigger)
    else if (was.definition !== trigger.definition) different.push({ was, wanted: trigger })
  }
  return { missing, different, leftOver: [...installed.values()] }
}

function keyOf({ table: { schema = '', name: table }, name }: CaptureTrigger): string {
  return JSON.stringify([schema, table, name])
}

async function inTransaction({ db, engine }: Place, work: (db: RecalcDb) => Promise<void>): Promise<void> {
  if (engine.capture.isTransactional) await db.transaction().execute(work)
  else await work(db)
}
