// A worker process: takes jobs, and lanes of jobs, until it is told to stop.
import { bullmqDispatcher } from 'recalc-service/bullmq'
import { createService, openDatabase } from './office.ts'

const [database = '', redis = ''] = process.argv.slice(2)
const db = await openDatabase({ database, redis })
const service = createService(db, { dispatcher: bullmqDispatcher({ connection: { url: redis } }) })
await service.start()
process.once('SIGTERM', async () => {
  await service.stop()
  await db.destroy()
})
