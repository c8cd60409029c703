// A process of its own: previews of a given size until a million days are done, every one different, and its peak memory.
import { dayStage, memoryBackend, RecalcService } from 'recalc-service'
import { DATES, employees, FROM, TO } from './nothing.ts'
import { peakMemoryMb } from './peak-memory.ts'

const ALL = 1_000_000

const [days] = process.argv.slice(2)
const stage = dayStage<{ readonly minutes: number }, undefined>({
  name: 'everything',
  writes: ['everything'],
  load: async () => undefined,
  calculate: () => ({ minutes: 1 }),
  stored: async () => new Map(),
  async save() {},
})
const backend = memoryBackend({
  unitOfWork: { run: (work) => work(undefined), async lockEmployees() {}, isTransient: () => false },
})
const recalc = new RecalcService({ stages: [stage], backend, employees: employees(Math.ceil(Number(days) / DATES)) })

const idleMb = process.memoryUsage.rss() / 2 ** 20
let done = 0
while (done < ALL) {
  const preview = recalc.preview({ tenantId: 'bench', from: FROM, to: TO })
  for await (const { after } of preview) if (after !== null) done += 1
}
const peakMb = peakMemoryMb()
console.log(JSON.stringify({ idleMb, peakMb, days: done }))
