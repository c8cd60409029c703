// Run it: DATABASE_URL=postgres://… ADMIN_KEY=… node main.ts
import { serve } from '@hono/node-server'
import { makeApp } from './app.ts'
import { openDatabase } from './database.ts'
import { openRecalc } from './recalc.ts'

const { DATABASE_URL = '', ADMIN_KEY = '', PORT = '3000' } = process.env
const { prisma, db, close } = openDatabase(DATABASE_URL)
const { backend, recalc } = openRecalc(prisma, db)
await backend.migrate()
await recalc.start() // from now on noted changes are settled, and jobs of dead processes go on

const { fetch } = makeApp(prisma, recalc, 'acme', ADMIN_KEY)
const server = serve({ fetch, port: Number(PORT) }, () => console.log('listening'))

process.once('SIGTERM', async () => {
  server.close()
  await recalc.stop() // blocks in flight commit, jobs are left to the next process
  await close()
})
