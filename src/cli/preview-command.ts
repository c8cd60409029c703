import { Command, Option } from 'commander'
import { InvalidRequestError } from '../errors.ts'
import type { HeldRequest } from '../preview/held/held-request.ts'
import type { ClosedInPreview } from '../preview/previewed-lanes.ts'
import { messageOf } from '../run/failure.ts'
import { jsonFormOf } from '../run/json-form.ts'
import { wholeNumber } from './arguments.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-code.ts'
import { requestOf, type Selection, selecting } from './selection.ts'

type PreviewWords = Selection & { readonly held?: true; readonly closed?: ClosedInPreview; readonly limit: number }

/** Tells what a recalculation would change. */
export function previewCommand({ recalc, output, signal, exitWith }: CommandContext): Command {
  return selecting(new Command('preview'))
    .description('what a recalculation would change; nothing is written')
    .addOption(new Option('--closed <what>', 'what becomes of closed days').choices(['skip', 'include', 'only']))
    .option('--held', 'what held changes would do once their days are open; with --tenant, and --employee if need be')
    .option('--limit <number>', 'tell at most so many differences', wholeNumber, 100)
    .action(async (given: PreviewWords) => {
      const { table: tables, closed, limit } = given
      const options = { ...(tables && { tables }), ...(closed && { closed }), signal }
      const preview = given.held
        ? recalc.preview(heldRequestOf(given), { signal })
        : recalc.preview(requestOf(given), options)
      let told = 0
      try {
        for await (const difference of preview) {
          if (told >= limit) continue
          told += 1
          const { employeeId, date, period, stage, before, after } = difference
          if (output().isJson) output().json(difference)
          const when = date ?? `${period.from} to ${period.to}`
          output().say(`${employeeId}  ${when}  ${stage}: ${shown(before)} -> ${shown(after)}`)
        }
      } catch (error) {
        if (!signal.aborted) throw error
        return exitWith(EXIT.cancelled)
      }
      const summary = await preview.summary
      const { days, changedDays, closedDays, failedDays, periods, inserts, updates, deletes } = summary
      const failedPeriods = periods?.failed ?? 0
      output().record(summary, {
        days,
        changed: changedDays,
        closed: closedDays,
        failed: failedDays,
        'failed periods': failedPeriods || null,
        inserts,
        updates,
        deletes,
        'not told': inserts + updates + deletes - told || null,
      })
      if (failedDays + failedPeriods > 0) exitWith(EXIT.someFailed)
    })
}

function shown(value: unknown): string {
  try {
    return jsonFormOf(value)
  } catch (error) {
    return `(${messageOf(error)})`
  }
}

/** The changes tell which days. */
function heldRequestOf({ tenant: tenantId, employee = [], ...given }: PreviewWords): HeldRequest {
  const { all, date, from, to, table, closed } = given
  const [employeeId, ...others] = employee
  const isMore = [date, from, to, table, closed].some((word) => word !== undefined)
  if (isMore || others.length > 0 || (all && employeeId !== undefined)) {
    throw new InvalidRequestError('Expected --held with --tenant, and at most one --employee')
  }
  return { held: true, tenantId, ...(employeeId !== undefined && { employeeId }) }
}
