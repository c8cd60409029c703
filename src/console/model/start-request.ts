import type { Job, ProblemDetails, StartRequest } from '../net/api-types.ts'
import { isDate } from './calendar.ts'

/** What is typed into the form. */
export interface StartInput {
  readonly tenantId: string
  readonly startDate: string
  readonly endDate: string
  /** `null`: everybody. */
  readonly employees: string | null
  /** `null`: all. */
  readonly tables: readonly string[] | null
  readonly clearExisting: boolean
  readonly reason: string
}

export const emptyInput: StartInput = {
  tenantId: '',
  startDate: '',
  endDate: '',
  employees: null,
  tables: null,
  clearExisting: true,
  reason: '',
}

/** What a job was started with, as far as it tells; `employeeIds`: of a job that names its employees. */
export function inputLike(job: Job, employeeIds: readonly string[] | null): StartInput {
  return {
    tenantId: job.tenant_id,
    startDate: job.start_date,
    endDate: job.end_date,
    employees: employeeIds?.join('\n') ?? null,
    tables: job.tables,
    clearExisting: job.clear_existing,
    reason: job.reason ?? '',
  }
}

/** What is wrong with a field, by the name that the API gives it. */
export type FieldErrors = ReadonlyMap<string, string>

/** The request, or what has to be put right first. An empty selection never means everybody. */
export function startRequestOf(
  input: StartInput,
): { readonly request: StartRequest } | { readonly errors: FieldErrors } {
  const errors = new Map<string, string>()
  const tenantId = input.tenantId.trim()
  const startDate = input.startDate.trim()
  const endDate = input.endDate.trim()
  const reason = input.reason.trim()
  if (tenantId === '') errors.set('tenant_id', 'Enter the tenant.')
  checkDate('start_date', startDate, 'first', errors)
  checkDate('end_date', endDate, 'last', errors)
  if (isDate(startDate) && isDate(endDate) && endDate < startDate) {
    errors.set('end_date', 'The last day is before the first.')
  }
  const employees = input.employees === null ? null : idsOf(input.employees)
  if (employees?.length === 0) errors.set('employee_ids', 'Enter at least one employee, or choose everybody.')
  const { tables } = input
  if (tables?.length === 0) errors.set('tables', 'Choose at least one table, or all of them.')
  if (errors.size > 0) return { errors }
  const request = {
    tenant_id: tenantId,
    start_date: startDate,
    end_date: endDate,
    ...(employees && { employee_ids: employees }),
    ...(tables && { tables }),
    clear_existing: input.clearExisting,
    ...(reason !== '' && { reason }),
  }
  return { request }
}

function checkDate(field: string, text: string, which: string, errors: Map<string, string>): void {
  if (text === '') errors.set(field, `Enter the ${which} day.`)
  else if (!isDate(text)) errors.set(field, 'Enter a day as YYYY-MM-DD, from 1900-01-01 on.')
}

/** The field of the form that the API's name of a field belongs to: `employee_ids.3` is about `employee_ids`. */
export function formField(apiField: string): string {
  return apiField.split(/[.[/]/).find((part) => part !== '') ?? ''
}

/** What the API said of the fields that there are. */
export function fieldErrorsOf(errors: ProblemDetails['errors'] & {}, fields: readonly string[]): FieldErrors {
  return new Map(
    errors.map(({ field, message }) => [formField(field), message] as const).filter(([name]) => fields.includes(name)),
  )
}

/** As they are pasted from a spreadsheet or out of a sentence. */
function idsOf(text: string): readonly string[] {
  return text
    .split(/[\r\n,]/)
    .map((id) => id.trim())
    .filter((id) => id !== '')
}
