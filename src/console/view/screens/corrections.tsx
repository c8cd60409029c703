import { useState } from 'preact/hooks'
import { daysOfMonth, monthBefore, today } from '../../model/calendar.ts'
import { hashOf } from '../../model/route.ts'
import { onlyTenant } from '../../model/state.ts'
import { Owed } from '../owed.tsx'
import { Button, Field, submitting, Tenants } from '../parts.tsx'
import type { Screen, ViewProps } from '../screen.ts'

/** What closed months still owe. */
export const correctionsScreen: Screen = {
  name: 'corrections',
  label: 'Corrections',
  needs: ['corrections'],
  View: CorrectionsView,
}

/** Which tenant and month the address tells, so that it can be linked to. */
function CorrectionsView({ app, state }: ViewProps) {
  const { id: tenantId, month } = state.route
  const [tenant, setTenant] = useState(tenantId ?? onlyTenant(state))
  const [typed, setTyped] = useState(month ?? monthBefore(today()))
  const [errors, setErrors] = useState<{ readonly tenant?: string; readonly month?: string }>({})
  /** Counts the times that the same is asked for. */
  const [round, setRound] = useState(0)
  const list = () => {
    const wrong = {
      ...(tenant.trim() === '' && { tenant: 'Enter the tenant.' }),
      ...(!daysOfMonth(typed.trim()) && { month: 'Enter a month as YYYY-MM.' }),
    }
    setErrors(wrong)
    if (Object.keys(wrong).length > 0) return
    const asked = { screen: 'corrections', id: tenant.trim(), month: typed.trim() }
    if (hashOf(asked) === location.hash) setRound(round + 1)
    else app.goTo(asked)
  }
  const days = month === null ? null : daysOfMonth(month)
  return (
    <section class="pane screen wide stack" aria-labelledby="corrections-title">
      <h2 id="corrections-title" tabIndex={-1}>
        Corrections
      </h2>
      <p class="muted">
        A closed month stays as it was paid. Here is what it owes because something was edited later. Listing writes
        nothing.
      </p>
      <form class="card row asks" noValidate aria-label="What to list" onSubmit={submitting(list)}>
        <Field id="corrections-tenant" label="Tenant" error={errors.tenant}>
          <input
            id="corrections-tenant"
            list="tenants"
            autocomplete="off"
            value={tenant}
            aria-invalid={errors.tenant !== undefined}
            aria-describedby="corrections-tenant-error"
            onInput={(event) => setTenant(event.currentTarget.value)}
          />
        </Field>
        <Field id="corrections-month" label="Month" error={errors.month}>
          <input
            id="corrections-month"
            placeholder="YYYY-MM"
            inputMode="numeric"
            maxLength={7}
            autocomplete="off"
            value={typed}
            aria-invalid={errors.month !== undefined}
            aria-describedby="corrections-month-error"
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </Field>
        <Tenants tenants={state.access.name === 'open' ? state.access.me.tenants : '*'} />
        <Button submit class="primary" text="List corrections" />
      </form>
      {tenantId !== null && days && (
        <Owed key={`${month} ${round} ${tenantId}`} app={app} state={state} tenantId={tenantId} days={days} />
      )}
    </section>
  )
}
