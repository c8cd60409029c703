// A process of its own: one job of the reference back end over everybody, and its peak memory.

import { createProductivity } from '../examples/productivity/productivity.ts'
import { INSTANTS, type Tables } from '../examples/productivity/schema/tables.ts'
import { openMysql } from '../examples/shared/database/mysql.ts'
import { openSqlite } from '../examples/shared/database/sqlite.ts'
import { peakMemoryMb } from './peak-memory.ts'

const [database = '', zone = '', from = '', to = '', asOf = ''] = process.argv.slice(2)
const db = database.startsWith('mysql:') ? await openMysql<Tables>(database, INSTANTS) : openSqlite<Tables>(database)
const recalc = createProductivity(db, { zone, asOf: new Date(asOf) })
// One day of one person: everything is loaded and connected.
await recalc.triggerRecalc({ tenantId: 'bench', employeeId: 'E00001', date: from })
const idleMb = process.memoryUsage.rss() / 2 ** 20
const job = await recalc.triggerRecalcAllAsync({ tenantId: 'bench', from, to })
const { processedDays } = await job.result
const peakMb = peakMemoryMb()
console.log(JSON.stringify({ idleMb, peakMb, days: processedDays }))
await recalc.stop()
await db.destroy()
