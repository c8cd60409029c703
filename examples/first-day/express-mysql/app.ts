import { getRequestListener } from '@hono/node-server'
import express from 'express'
import type { Kysely } from 'kysely'
import type { RecalcService } from 'recalc-service'
import { apiKeys, createRecalcApi } from 'recalc-service/http'
import type { Tables, Tx } from './database.ts'

const BASE = '/api/system/recalculate'

/** `tenantId` stands for what your sessions know of who is calling. */
export function makeApp(db: Kysely<Tables>, recalc: RecalcService<Tx>, tenantId: string, adminKey: string) {
  const app = express()

  // Before the body parser: jobs, freshness, history, and the console page for administrators.
  const api = createRecalcApi(recalc, { authorize: apiKeys({ [adminKey]: { tenants: [tenantId], actions: '*' } }) })
  app.all([BASE, `${BASE}/*path`], getRequestListener(api.fetch))
  app.use(express.json())

  // An edit: one transaction with a note for whoever had the booking, and for whoever has it now.
  app.put('/bookings/:id', async ({ params, body }, response) => {
    const id = Number(params.id)
    const booking = { tenant_id: tenantId, id, employee_id: body.employee_id, date: body.date, minutes: body.minutes }
    await db.transaction().execute(async (tx) => {
      const before = await tx
        .selectFrom('bookings')
        .select(['employee_id', 'date'])
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirst()
      await tx.replaceInto('bookings').values(booking).execute()
      for (const { employee_id: employeeId, date } of before ? [before, booking] : [booking]) {
        await recalc.noteChange(tx, { tenantId, employeeId, table: 'bookings', dates: { from: date, to: date } })
      }
    })
    response.sendStatus(204)
  })

  // A started service settles edits by itself, soon. Who must see their own edit waits for it.
  app.get('/employees/:id/months', async ({ params: { id: employeeId } }, response) => {
    await recalc.settle({ tenantId, employeeId })
    const months = await db
      .selectFrom('months')
      .select(['month', 'overtime', 'paid_out', 'carried'])
      .where('tenant_id', '=', tenantId)
      .where('employee_id', '=', employeeId)
      .orderBy('month')
      .execute()
    response.json(months)
  })

  app.put('/employees/:id/closed-months/:month', async ({ params: { id: employee_id, month } }, response) => {
    await db.insertInto('closed_months').values({ tenant_id: tenantId, employee_id, month }).execute()
    response.sendStatus(204)
  })

  app.delete('/employees/:id/closed-months/:month', async ({ params: { id: employeeId, month } }, response) => {
    await db
      .deleteFrom('closed_months')
      .where('tenant_id', '=', tenantId)
      .where('employee_id', '=', employeeId)
      .where('month', '=', month)
      .execute()
    await recalc.releaseHeld({ tenantId, employeeId }) // edits that came while it was closed are settled now
    response.sendStatus(204)
  })

  return app
}
