// Run it: DATABASE_URL=mysql://… ADMIN_KEY=… node main.ts
import { makeApp } from './app.ts'
import { openDatabase } from './database.ts'
import { openRecalc } from './recalc.ts'

const { DATABASE_URL = '', ADMIN_KEY = '', PORT = '3000' } = process.env
const db = openDatabase(DATABASE_URL)
const { backend, recalc } = openRecalc(db)
await backend.migrate()
await recalc.start() // from now on noted changes are settled, and jobs of dead processes go on

const server = makeApp(db, recalc, 'acme', ADMIN_KEY).listen(Number(PORT), () => console.log('listening'))

process.once('SIGTERM', async () => {
  server.close()
  await recalc.stop() // blocks in flight commit, jobs are left to the next process
  await db.destroy()
})
