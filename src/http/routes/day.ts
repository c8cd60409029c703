import { z } from 'zod'
import { named } from '../openapi/schemas/components.ts'
import { result } from '../openapi/schemas/failure.ts'
import { dateField, idField } from '../openapi/schemas/fields.ts'
import { askedByFields } from '../openapi/schemas/recalculation.ts'
import { askedBy } from '../request/asked-by.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import { json } from '../response/json.ts'
import { resultView } from '../response/result-view.ts'
import { route } from './route.ts'

const day = named(
  'Day',
  z.strictObject(
    {
      tenant_id: idField('Whose day'),
      employee_id: idField('Whose day'),
      date: dateField('The day'),
      ...askedByFields,
    },
    { error: 'a JSON object' },
  ),
  'One day of one employee',
)

/** Recalculates one day at once. */
export const dayRoute = route(
  {
    method: 'POST',
    path: '/day',
    action: 'start',
    name: 'recalculateDay',
    summary: 'Recalculates one day of one employee, and answers when that is done',
    body: day,
    answers: { 200: { description: 'What came of it', schema: result } },
    problems: [404, 422],
  },
  async (call) => {
    const { api, access, body } = call
    checkOwnTenant(call, body.tenant_id)
    const request = { tenantId: body.tenant_id, employeeId: body.employee_id, date: body.date }
    return json(resultView(await api.recalc.triggerRecalc(request, askedBy(access, body)), api.options.describeFailure))
  },
)
