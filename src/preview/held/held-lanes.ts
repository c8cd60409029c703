import type { ChangeLane, StoredChange } from '../../changes/change-ledger.ts'
import type { ChangesSettings } from '../../changes/changes-settings.ts'
import { horizonAt } from '../../changes/dirty-days.ts'
import type { LaneOfEmployees } from '../../changes/settle-block.ts'
import { laneSize } from '../../changes/settle-now.ts'
import { type SettleOwner, settleCalendar, settleOwner } from '../../changes/settle-owner.ts'
import { CallTimeoutError } from '../../errors.ts'
import { reachesLaterDays } from '../../run/blocks/cascade.ts'
import { withDeadline } from '../../run/units/deadline.ts'
import { OF_JOB } from '../../run/units/unit-slots.ts'
import { inParallel } from '../in-parallel.ts'
import type { LaneSource } from '../previewed-lane.ts'
import { previewHeldLane } from './held-lane.ts'
import type { HeldRequest } from './held-request.ts'

/** How many changes are looked at together to find whose they are. */
const PAGE = 1_000

/** The lanes of employees with held changes, several at once, in the order of the ledger. */
export function heldLanes<Tx>(settings: ChangesSettings<Tx>, request: HeldRequest): LaneSource {
  return (control) => {
    // Nobody is told of spans of days that were never settled, and no history is kept of them.
    const owner = settleOwner({ ...settings, history: undefined, ledger: undefined }, control, OF_JOB)
    const work = (lane: LaneOfEmployees) => previewHeldLane(owner, lane)
    return inParallel(lanesOf(owner, request), work, settings.concurrency, control)
  }
}

/** Employees whose days, as far as they may be looked at, are about as many as those of a block. */
async function* lanesOf<Tx>(
  owner: SettleOwner<Tx>,
  { tenantId, employeeId }: HeldRequest,
): AsyncGenerator<LaneOfEmployees> {
  if (employeeId !== undefined) {
    yield { tenantId, employeeIds: [employeeId] }
    return
  }
  const { block } = owner.settings
  const { days } = owner.calculator?.shape ?? block
  const most = laneSize(owner)
  const daysOf = await reachOf(owner, tenantId)
  for (let after: ChangeLane | null = null; ; ) {
    const page: readonly StoredChange[] = await heldPage(owner, tenantId, after)
    let employeeIds: string[] = []
    let longest = 1
    for (const [id, changes] of Map.groupBy(page, (change) => change.employeeId)) {
      if (id === null) continue
      const own = daysOf(changes)
      const isFull = employeeIds.length === most || (employeeIds.length + 1) * Math.max(longest, own) > most * days
      if (isFull && employeeIds.length > 0) {
        yield { tenantId, employeeIds }
        employeeIds = []
        longest = 1
      }
      employeeIds.push(id)
      longest = Math.max(longest, own)
    }
    if (employeeIds.length > 0) yield { tenantId, employeeIds }
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    after = last
  }
}

/** Over how many days the changes of an employee may reach. */
async function reachOf<Tx>(
  owner: SettleOwner<Tx>,
  tenantId: string,
): Promise<(changes: readonly StoredChange[]) => number> {
  const { wholePass, clock, horizon } = owner.settings
  const { zone, dayStartsAt: startsAt } = await settleCalendar(owner, tenantId, 1)
  const { last: end } = horizonAt(clock.now(), { zone, dayStart: { startsAt } }, horizon)
  const isEndless = reachesLaterDays(wholePass.dayStages.map(({ stage }) => stage))
  return (changes) => {
    const spans = changes.flatMap(({ content }) => ('days' in content ? [content.days] : []))
    const [first, last] = [Math.min(...spans.map((span) => span[0])), Math.max(...spans.map((span) => span[1]))]
    return Math.max(1, (isEndless ? Math.max(last, end) : last) - first + 1)
  }
}

async function heldPage<Tx>(
  { settings, control }: SettleOwner<Tx>,
  tenantId: string,
  after: ChangeLane | null,
): Promise<readonly StoredChange[]> {
  const { changes, clock, callTimeoutMs: timeoutMs } = settings
  const late = () => new CallTimeoutError('the ledger of changes', timeoutMs)
  const read = () => changes.waiting(tenantId, { after, limit: PAGE, state: 'held' })
  return await withDeadline(read, { clock, timeoutMs, signal: control.stopping, late })
}
