import assert from 'node:assert/strict'
import type { RecalcResult } from '../run/result.ts'

/** The service, as far as it is needed here. */
export interface SettlingService {
  /** As `RecalcService.settle`. */
  settle(scope: { readonly tenantId: string }): Promise<unknown>
  /** As `RecalcService.freshness`. */
  freshness(query: { readonly tenantId: string }): Promise<{
    /** How many changes are not settled. */
    readonly changes: number
  }>
  /** As `RecalcService.triggerRecalcBatch`. */
  triggerRecalcBatch(request: FullRecalculation): Promise<RecalcResult>
}

/** Everything that settling could have touched. */
export interface FullRecalculation {
  /** Whose days. */
  readonly tenantId: string
  /** Everybody whose days may be different. */
  readonly employeeIds: readonly string[]
  /** The first day, `YYYY-MM-DD`. */
  readonly from: string
  /** The last day, inclusive. */
  readonly to: string
}

/**
 * Settles what was noted, recalculates everything, and rejects when that still changes a day: then a stage reads more than
 * its `reads` say, or an edit was not noted.
 *
 * @example
 * await editTheWayYourBackEndDoes()
 * await expectSettled(recalc, { tenantId: 'acme', employeeIds: ['7'], from: '2025-01-01', to: '2025-12-31' })
 * @throws {AssertionError} that says how many days were wrong.
 */
export async function expectSettled(recalc: SettlingService, full: FullRecalculation): Promise<void> {
  const { tenantId } = full
  await recalc.settle({ tenantId })
  const { changes } = await recalc.freshness({ tenantId })
  assert.equal(changes, 0, `${changes} changes of ${tenantId} are failing or held; see listDirty`)
  const { processedDays, unchangedDays } = await recalc.triggerRecalcBatch(full)
  const wrong = processedDays - unchangedDays
  assert.equal(
    wrong,
    0,
    `A full recalculation changed ${wrong} of ${processedDays} days that were settled: either a stage loads more than its ` +
      '`reads` say, or an edit was not noted',
  )
}
