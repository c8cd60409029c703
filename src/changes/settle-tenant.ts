import { fromEpochDay } from '../calendar/epoch-day.ts'
import type { IsoDate } from '../calendar/iso-date.ts'
import { CallTimeoutError } from '../errors.ts'
import { isKnownTable, isReadPerEmployee, tenantReaders } from '../pipeline/affected-days.ts'
import type { TenantStage } from '../pipeline/stages.ts'
import { calcContext } from '../run/blocks/calc-context.ts'
import { callStage } from '../run/blocks/stage-call.ts'
import { StageFailure } from '../run/blocks/stage-failure.ts'
import { codeOf, messageOf } from '../run/failure.ts'
import type { AfterCommit } from '../run/journal.ts'
import { endsRun } from '../run/lanes/lane-runner.ts'
import { employeePages } from '../run/plan/employee-pages.ts'
import { observed } from '../run/telemetry.ts'
import { attempt } from '../run/units/attempts.ts'
import { withDeadline } from '../run/units/deadline.ts'
import { lockInBackend, lockKeys, WHOLE_TENANT } from '../run/units/employee-locks.ts'
import type { OpenUnit } from '../run/units/unit-runner.ts'
import { backoffAfterFailureMs } from './backoff.ts'
import type { ChangeContent, ChangeError, NewChange, StoredChange } from './change-ledger.ts'
import { horizonAt, spansOf } from './dirty-days.ts'
import { calcOwner, inSettleUnit, type SettleOwner, settleCalendar, settleOperation } from './settle-owner.ts'

/** How many employees get a note of their own at once. */
const EMPLOYEES = 500

/** The most notes of a tenant that are looked at together. */
const NOTES = 1_000

type TableContent = Extract<ChangeContent, { table: string }>

/**
 * Gives every employee a note of his own of changes that are everybody's, a page of employees in each unit of work.
 *
 * @returns how many employees got one.
 */
export async function spreadToEmployees<Tx>(owner: SettleOwner<Tx>, tenantId: string): Promise<number> {
  let spread = 0
  while (!owner.control.stopped) {
    const noted = await notesOf(owner, tenantId)
    const change = noted.find((note) => isEverybodys(owner, note) && isDue(owner, note))
    if (!change) return spread
    spread += await spreadOne(owner, change)
  }
  return spread
}

async function spreadOne<Tx>(owner: SettleOwner<Tx>, change: StoredChange): Promise<number> {
  const { settings } = owner
  const { pipeline, clock, horizon } = settings
  const content = change.content as TableContent // as isEverybodys told
  const { tenantId } = change
  const { zone, dayStartsAt: startsAt } = await settleCalendar(owner, tenantId, 1)
  const spans = spansOf(
    content,
    { zone: undefined, dayStart: { startsAt } },
    horizonAt(clock.now(), { zone, dayStart: { startsAt } }, horizon),
  )
  const [first, last] = [Math.min(...spans.map((span) => span.first)), Math.max(...spans.map((span) => span.last))]
  // Rows of which none lies on any day are nobody's business.
  const isSomewhere = spans.length > 0
  const stages = isSomewhere && content.after === undefined ? tenantReaders(pipeline, [content.table]) : []
  const stageNotes = stages.map((stage) => stageNote(change, { stage, days: [first, last] }))
  const isForDays = isSomewhere && isReadPerEmployee(pipeline, content.table)
  const page = isForDays ? await nextPage(owner, change, fromEpochDay(first), fromEpochDay(last)) : []
  const { after: _, ...own } = content
  const add: NewChange[] = page.map((employeeId) => ({
    ...withoutId(change),
    employeeId,
    content: own,
    state: 'waiting',
  }))
  const lastId = page.at(-1)
  if (page.length === EMPLOYEES && lastId !== undefined) {
    add.push({ ...withoutId(change), content: { ...content, after: lastId } })
  }
  await attempt('settle', owner, () =>
    inTenant(owner, tenantId, async (tx) => {
      const notes = await readNotes(owner, tenantId, tx)
      if (!notes.some(({ id }) => id === change.id)) return undefined // another process was faster
      // A thousand edits of the same rules give an employee one note, not a thousand.
      const same = notes.filter((note) => JSON.stringify(note.content) === JSON.stringify(content))
      const notedAt = Math.min(...same.map((note) => note.notedAt))
      const remove = same.map(({ id }) => id)
      return await settings.changes.update(tx, {
        remove,
        add: [...add, ...stageNotes].map((note) => ({ ...note, notedAt })),
      })
    }),
  )
  return page.length
}

/**
 * Runs the tenant stages that are due because of changes, in their order, each in a unit of work of its own.
 *
 * @returns the names of those that failed; they keep their notes.
 */
export async function settleTenantStages<Tx>(owner: SettleOwner<Tx>, tenantId: string): Promise<readonly string[]> {
  const { settings } = owner
  const failed: string[] = []
  const noted = await notesOf(owner, tenantId)
  const due = new Set(
    noted.flatMap((note) => ('stage' in note.content && isDue(owner, note) ? [note.content.stage] : [])),
  )
  for (const stage of settings.pipeline.tenantStages) {
    if (owner.control.stopped) break
    if (!due.has(stage.name)) continue
    // What it writes is read by these.
    for (const reader of tenantReaders(settings.pipeline, stage.writes)) due.add(reader)
    const isSettled = await observed(
      settings.telemetry,
      () => settleOperation(owner, tenantId, 0),
      () => settleStage(owner, tenantId, stage),
    )
    if (!isSettled) failed.push(stage.name)
  }
  return failed
}

async function settleStage<Tx>(owner: SettleOwner<Tx>, tenantId: string, stage: TenantStage<Tx>): Promise<boolean> {
  const { settings } = owner
  const place = await settleCalendar(owner, tenantId, 1)
  const { zone, dayStartsAt: startsAt } = place
  try {
    await attempt(stage.name, owner, (number) =>
      inTenant(owner, tenantId, async (tx, unit) => {
        const notes = (await readNotes(owner, tenantId, tx)).filter((change) => isOf(change, stage.name))
        const days = notes.flatMap(({ content }) => ('days' in content ? content.days : []))
        const today = horizonAt(settings.clock.now(), { zone, dayStart: { startsAt } }, settings.horizon).last
        const [first, last] = days.length > 0 ? [Math.min(...days), Math.max(...days)] : [today, today]
        const run = calcOwner(owner, place, first, last)
        const { from, to } = run.identity
        const context = { ...calcContext(run, unit, number), tenantId, employeeIds: null, from, to }
        await callStage(stage.name, 'run', { monitor: unit }, context, settings, (own) => stage.run(own))
        const readers = tenantReaders(settings.pipeline, stage.writes)
        const add = notes
          .slice(0, 1)
          .flatMap((note) => readers.map((reader) => stageNote(note, { stage: reader, days: [first, last] })))
        return await settings.changes.update(tx, { remove: notes.map(({ id }) => id), add })
      }),
    )
    return true
  } catch (thrown) {
    if (owner.control.stopped) return true
    if (endsRun(thrown) || !(thrown instanceof StageFailure)) throw thrown
    await noteFailure(owner, tenantId, stage.name, { code: codeOf(thrown.cause), message: messageOf(thrown.cause) })
    return false
  }
}

async function noteFailure<Tx>(
  owner: SettleOwner<Tx>,
  tenantId: string,
  stage: string,
  error: ChangeError,
): Promise<void> {
  const { changes, clock } = owner.settings
  await attempt('settle', owner, () =>
    inTenant(owner, tenantId, async (tx) => {
      const notes = (await readNotes(owner, tenantId, tx)).filter((change) => isOf(change, stage))
      const [note] = notes
      if (!note) return undefined
      const attempts = Math.max(...notes.map((one) => one.attempts)) + 1
      const days = notes.flatMap(({ content }) => ('days' in content ? content.days : []))
      const failing: NewChange = {
        ...stageNote(note, { stage, days: [Math.min(...days), Math.max(...days)] }),
        state: 'failing',
        attempts,
        error,
        dueAt: clock.now() + backoffAfterFailureMs(attempts),
      }
      return await changes.update(tx, { remove: notes.map(({ id }) => id), add: [failing] })
    }),
  )
}

/** One unit of work that holds the tenant as a whole; `work` returns what is to be called after the commit. */
function inTenant<Tx>(
  owner: SettleOwner<Tx>,
  tenantId: string,
  work: (tx: Tx, unit: OpenUnit<Tx>) => Promise<AfterCommit | undefined>,
): Promise<void> {
  return inSettleUnit(owner, lockKeys(tenantId, [WHOLE_TENANT]), async (unit) => {
    await lockInBackend(owner.settings, unit.tx, tenantId, [WHOLE_TENANT])
    unit.committed = await work(unit.tx, unit)
  })
}

/** The notes of the tenant as a whole, as they are now. */
async function notesOf<Tx>(owner: SettleOwner<Tx>, tenantId: string): Promise<readonly StoredChange[]> {
  const notes = await attempt('settle', owner, () =>
    inSettleUnit(owner, [], ({ tx }) => readNotes(owner, tenantId, tx)),
  )
  return notes ?? []
}

function readNotes<Tx>({ settings }: SettleOwner<Tx>, tenantId: string, tx: Tx): Promise<readonly StoredChange[]> {
  return settings.changes.read(tx, tenantId, { employeeIds: [null], states: ['waiting', 'failing'], limit: NOTES })
}

async function nextPage<Tx>(
  { settings, control }: SettleOwner<Tx>,
  { tenantId, content }: StoredChange,
  from: IsoDate,
  to: IsoDate,
): Promise<readonly string[]> {
  const { employees, clock, callTimeoutMs: timeoutMs } = settings
  const late = () => new CallTimeoutError('the employee repository', timeoutMs)
  const read = <T>(call: () => Promise<T>) => withDeadline(call, { clock, timeoutMs, signal: control.stopping, late })
  const after = 'table' in content ? (content.after ?? null) : null
  const pages = employeePages(employees, { tenantId, from, to }, { after, limit: EMPLOYEES, read })
  for await (const page of pages) return page.map(({ id }) => id)
  return []
}

/** A change of everybody's rows; one of a table that no stage of this service reads is left to a service that has one. */
function isEverybodys<Tx>({ settings }: SettleOwner<Tx>, { content }: StoredChange): boolean {
  return 'table' in content && isKnownTable(settings.pipeline, content.table)
}

function isOf({ content }: StoredChange, stage: string): boolean {
  return 'stage' in content && content.stage === stage
}

function isDue<Tx>({ settings }: SettleOwner<Tx>, { dueAt }: StoredChange): boolean {
  return dueAt <= settings.clock.now()
}

function stageNote(
  change: StoredChange,
  content: { readonly stage: string; readonly days: readonly [number, number] },
): NewChange {
  return { ...withoutId(change), employeeId: null, content, state: 'waiting', attempts: 0, error: null, dueAt: 0 }
}

function withoutId({ id: _, ...change }: StoredChange): NewChange {
  return change
}
