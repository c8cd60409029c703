// A process of its own: runs jobs of a given size until a given number of days is done, and prints its peak memory.
import { RecalcService } from 'recalc-service'
import { DATES, employees, FROM, nothingDaily, nothingStage, TO } from './nothing.ts'
import { peakMemoryMb } from './peak-memory.ts'

const [kind, jobDays, allDays] = process.argv.slice(2)
const count = Math.ceil(Number(jobDays) / DATES)
const calculator = kind === 'bulk' ? { stages: [nothingStage] } : { dailyCalc: nothingDaily }
const recalc = new RecalcService({ ...calculator, employees: employees(count) })

const idleMb = process.memoryUsage.rss() / 2 ** 20
let done = 0
while (done < Number(allDays)) {
  const job = await recalc.triggerRecalcAllAsync({ tenantId: 'bench', from: FROM, to: TO })
  done += (await job.result).processedDays
}
const peakMb = peakMemoryMb()
console.log(JSON.stringify({ idleMb, peakMb, days: done }))
