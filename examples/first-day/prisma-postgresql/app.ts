import { Hono } from 'hono'
import type { RecalcService } from 'recalc-service'
import { apiKeys, createRecalcApi } from 'recalc-service/http'
import { isoDate, type Tx, toDate } from './database.ts'
import type { PrismaClient } from './generated/client.ts'

const BASE = '/api/system/recalculate'

/** `tenantId` stands for what your sessions know of who is calling. */
export function makeApp(prisma: PrismaClient, recalc: RecalcService<Tx>, tenantId: string, adminKey: string) {
  const app = new Hono()

  // Jobs, freshness, history, and the console page for administrators.
  const api = createRecalcApi(recalc, { authorize: apiKeys({ [adminKey]: { tenants: [tenantId], actions: '*' } }) })
  app.all(BASE, ({ req }) => api.fetch(req.raw))
  app.all(`${BASE}/*`, ({ req }) => api.fetch(req.raw))

  // An edit: one transaction with a note for whoever had the booking, and for whoever has it now.
  app.put('/bookings/:id', async ({ req, body }) => {
    const { employee_id: employeeId, date, minutes } = await req.json()
    const key = { tenantId, id: Number(req.param('id')) }
    const booking = { ...key, employeeId, date: toDate(date), minutes }
    await prisma.$transaction(async (tx) => {
      const before = await tx.booking.findUnique({ where: { tenantId_id: key } })
      await tx.booking.upsert({ where: { tenantId_id: key }, create: booking, update: booking })
      for (const row of before ? [before, booking] : [booking]) {
        const dates = { from: isoDate(row.date), to: isoDate(row.date) }
        await recalc.noteChange(tx, { tenantId, employeeId: row.employeeId, table: 'bookings', dates })
      }
    })
    return body(null, 204)
  })

  // A started service settles edits by itself, soon. Who must see their own edit waits for it.
  app.get('/employees/:id/months', async ({ req, json }) => {
    const employeeId = req.param('id')
    await recalc.settle({ tenantId, employeeId })
    const months = await prisma.month.findMany({ where: { tenantId, employeeId }, orderBy: { month: 'asc' } })
    return json(
      months.map(({ month, overtime, paidOut: paid_out, carried }) => ({
        month: isoDate(month),
        overtime,
        paid_out,
        carried,
      })),
    )
  })

  app.put('/employees/:id/closed-months/:month', async ({ req, body }) => {
    const { id: employeeId, month } = req.param()
    await prisma.closedMonth.create({ data: { tenantId, employeeId, month: toDate(month) } })
    return body(null, 204)
  })

  app.delete('/employees/:id/closed-months/:month', async ({ req, body }) => {
    const { id: employeeId, month } = req.param()
    await prisma.closedMonth.deleteMany({ where: { tenantId, employeeId, month: toDate(month) } })
    await recalc.releaseHeld({ tenantId, employeeId }) // edits that came while it was closed are settled now
    return body(null, 204)
  })

  return app
}
