import type { Command } from 'commander'
import { InvalidRequestError } from '../errors.ts'
import type { RecalcRequest } from '../run/plan/resolve-request.ts'
import { collect } from './arguments.ts'

/** Which days a command is about. */
export interface Selection {
  readonly tenant: string
  readonly all?: boolean
  readonly employee?: readonly string[]
  readonly date?: string
  readonly from?: string
  readonly to?: string
  readonly table?: readonly string[]
}

/** Adds the options that select days. */
export function selecting(command: Command): Command {
  return command
    .requiredOption('--tenant <id>', 'whose data')
    .option('--all', 'everybody')
    .option('--employee <id>', 'this employee; may be repeated', collect)
    .option('--date <date>', 'one day, as YYYY-MM-DD')
    .option('--from <date>', 'the first day')
    .option('--to <date>', 'the last day')
    .option('--table <name>', 'only the stages that write this table; may be repeated', collect)
}

/** Nobody is selected by leaving something out: everybody has to be asked for. */
export function requestOf({ tenant: tenantId, all, employee = [], date, from, to }: Selection): RecalcRequest {
  if (all === employee.length > 0) refuse('--all or --employee, and not both')
  if (all === undefined && employee.length === 0) refuse('--all or --employee')
  const [employeeId = ''] = employee
  if (date !== undefined) {
    if (from !== undefined || to !== undefined) refuse('--date, or --from and --to')
    if (employee.length === 1) return { tenantId, employeeId, date }
  }
  const dates = { from: from ?? date, to: to ?? date }
  if (dates.from === undefined || dates.to === undefined) return refuse('--date, or --from and --to')
  const range = { tenantId, from: dates.from, to: dates.to }
  if (all) return range
  return employee.length === 1 ? { ...range, employeeId } : { ...range, employeeIds: [...employee] }
}

function refuse(expected: string): never {
  throw new InvalidRequestError(`Expected ${expected}`)
}
