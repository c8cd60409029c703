import type { ComponentChildren } from 'preact'
import { presets, today } from '../model/calendar.ts'
import type { FieldErrors, StartInput } from '../model/start-request.ts'
import type { Me } from '../net/api-types.ts'
import { Button, Field, FieldError, Tenants } from './parts.tsx'

/** The fields, by the names that the API gives them, and the ids of what they are typed into. */
export const FIELDS: Readonly<Record<string, string>> = {
  tenant_id: 'tenant',
  start_date: 'start-date',
  end_date: 'end-date',
  employee_ids: 'employees',
  tables: 'tables',
  clear_existing: 'clear-existing',
  reason: 'reason',
}

interface StartFieldsProps {
  readonly me: Me
  readonly input: StartInput
  readonly errors: FieldErrors
  edit(change: Partial<StartInput>): void
}

export function StartFields({ me: { tenants, tables }, input, errors, edit }: StartFieldsProps) {
  const typed = (name: string, key: 'tenantId' | 'startDate' | 'endDate' | 'reason' | 'employees') => ({
    id: FIELDS[name],
    value: input[key] ?? '',
    autocomplete: 'off',
    spellcheck: false,
    ...described(name),
    onInput: (event: { readonly currentTarget: { readonly value: string } }) =>
      edit({ [key]: event.currentTarget.value }),
  })
  const described = (name: string) => ({
    'aria-invalid': errors.has(name),
    'aria-describedby': `${FIELDS[name]}-error`,
  })
  const date = { placeholder: 'YYYY-MM-DD', inputMode: 'numeric', maxLength: 10, required: true } as const
  return (
    <div class="fields">
      <Field id="tenant" label="Tenant" error={errors.get('tenant_id')}>
        <input {...typed('tenant_id', 'tenantId')} list="tenants" required />
        <Tenants tenants={tenants} />
      </Field>
      <Field id="start-date" label="First day" error={errors.get('start_date')}>
        <input {...typed('start_date', 'startDate')} {...date} />
      </Field>
      <Field id="end-date" label="Last day" error={errors.get('end_date')}>
        <input {...typed('end_date', 'endDate')} {...date} />
      </Field>
      <fieldset class="row">
        <legend class="hidden">Days that are often asked for</legend>
        {presets(today()).map(({ label, from, to }) => (
          <Button key={label} class="quiet small" onClick={() => edit({ startDate: from, endDate: to })} text={label} />
        ))}
      </fieldset>
      <AllOrSome
        legend="Employees"
        all="Everybody"
        some={input.employees !== null}
        choose={(some) => edit({ employees: some ? '' : null })}
      >
        <Field
          id="employees"
          label="Employee ids"
          hint="(one per line or separated by commas)"
          error={errors.get('employee_ids')}
        >
          <textarea rows={4} {...typed('employee_ids', 'employees')} />
        </Field>
      </AllOrSome>
      {tables.length > 0 && (
        <AllOrSome
          legend="Tables"
          all="All"
          some={input.tables !== null}
          choose={(some) => edit({ tables: some ? [] : null })}
        >
          <fieldset id="tables">
            <legend class="hidden">Tables to recalculate</legend>
            {tables.map((table) => (
              <Choice
                key={table}
                {...described('tables')}
                checked={input.tables?.includes(table) ?? false}
                choose={(checked) => {
                  const others = (input.tables ?? []).filter((other) => other !== table)
                  edit({ tables: checked ? [...others, table] : others })
                }}
              >
                {table}
              </Choice>
            ))}
          </fieldset>
          <FieldError id="tables" text={errors.get('tables')} />
        </AllOrSome>
      )}
      <div class="wide">
        <Choice
          id="clear-existing"
          {...described('clear_existing')}
          checked={input.clearExisting}
          choose={(clearExisting) => edit({ clearExisting })}
        >
          Remove rows that no source supports any more
        </Choice>
        <FieldError id="clear-existing" text={errors.get('clear_existing')} />
      </div>
      <Field id="reason" label="Reason" hint="(optional)" wide error={errors.get('reason')}>
        <input {...typed('reason', 'reason')} />
      </Field>
    </div>
  )
}

interface ChoiceProps {
  readonly id?: string
  readonly name?: string
  readonly type?: 'radio' | 'checkbox'
  readonly checked: boolean
  readonly children: ComponentChildren
  choose(checked: boolean): void
}

function Choice({ type = 'checkbox', choose, children, ...rest }: ChoiceProps) {
  return (
    <label class="choice">
      <input {...rest} type={type} onChange={(event) => choose(event.currentTarget.checked)} /> {children}
    </label>
  )
}

interface AllOrSomeProps {
  readonly legend: string
  readonly all: string
  readonly some: boolean
  readonly children: ComponentChildren
  choose(some: boolean): void
}

/** Everything, or what is chosen: an empty choice never means everything. */
function AllOrSome({ legend, all, some, choose, children }: AllOrSomeProps) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      <Choice type="radio" name={legend} checked={!some} choose={() => choose(false)}>
        {all}
      </Choice>
      <Choice type="radio" name={legend} checked={some} choose={() => choose(true)}>
        Only these
      </Choice>
      {some && <div class="field">{children}</div>}
    </fieldset>
  )
}
