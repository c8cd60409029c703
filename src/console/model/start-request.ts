import type { StartRequest } from '../net/api-types.ts'

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

/** What is wrong with a field, by the name that the API gives it. */
export type FieldErrors = ReadonlyMap<string, string>

/** The request, or what has to be put right first. An empty selection never means everybody. */
export function startRequestOf(input: StartInput): StartRequest | FieldErrors {
  const errors = new Map<string, string>()
  if (input.tenantId === '') errors.set('tenant_id', 'Enter the tenant.')
  if (input.startDate === '') errors.set('start_date', 'Enter the first day.')
  if (input.endDate === '') errors.set('end_date', 'Enter the last day.')
  if (input.startDate !== '' && input.endDate !== '' && input.endDate < input.startDate) {
    errors.set('end_date', 'The last day is before the first.')
  }
  const employees = input.employees === null ? null : idsOf(input.employees)
  if (employees?.length === 0) errors.set('employee_ids', 'Enter at least one employee, or choose everybody.')
  const { tables } = input
  if (tables?.length === 0) errors.set('tables', 'Choose at least one table, or all of them.')
  if (errors.size > 0) return errors
  return {
    tenant_id: input.tenantId,
    start_date: input.startDate,
    end_date: input.endDate,
    ...(employees && { employee_ids: employees }),
    ...(tables && { tables }),
    clear_existing: input.clearExisting,
    ...(input.reason !== '' && { reason: input.reason }),
  }
}

/** The field of the form that the API's name of a field belongs to: `employee_ids.3` is about `employee_ids`. */
export function formField(apiField: string): string {
  return apiField.split(/[.[/]/).find((part) => part !== '') ?? ''
}

/** As they are pasted from a spreadsheet or out of a sentence. */
function idsOf(text: string): readonly string[] {
  return text
    .split(/[\r\n,]/)
    .map((id) => id.trim())
    .filter((id) => id !== '')
}
