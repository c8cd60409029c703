import { createProductivity } from '../examples/productivity/productivity.ts'
import { median } from './measure.ts'
import { peakOf, printPeak } from './memory.ts'
import { generatedWorkload } from './server/generated.ts'
import { type BenchServer, onServers } from './server/on-servers.ts'
import { daysOf, empty, TENANT } from './server/workload.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7)
const SIZES = [100_000, 1_000_000]

/** A preview against the run that it shows: when everything changes, and when nothing does; and its memory. */
export async function benchPreview(): Promise<void> {
  await onServers('preview', compare)
  console.log(
    '\npreview: peak memory above the idle process (resident set), 1,000,000 days in all, every one different',
  )
  for (const days of SIZES) {
    printPeak(`previews of ${days.toLocaleString('en')} days`, peakOf('preview-memory-child.ts', [String(days)]))
  }
}

interface Cost {
  readonly ms: number
  /** Of this process; who else is at work on the machine does not add to it. */
  readonly cpuMs: number
}

async function compare({ name, url, db }: BenchServer): Promise<void> {
  const workload = await generatedWorkload(db, url)
  const { zone, from, to, asOf, employeeIds } = workload
  const service = createProductivity(db, { zone, asOf })
  const request = { tenantId: TENANT, from, to }
  const ways = {
    run: async () => {
      const handle = await service.triggerRecalcAllAsync(request)
      const { status } = await handle.result
      if (status !== 'completed') throw new Error(`Expected the job to be completed, it is ${status}`)
    },
    preview: async () => {
      const { status } = await service.preview(request).summary
      if (status !== 'completed') throw new Error(`Expected the preview to be completed, it is ${status}`)
    },
  }
  const ratios = { changed: [] as Cost[], unchanged: [] as Cost[] }
  for (let round = -1; round < ROUNDS; round++) {
    const costs = { changed: {} as Record<string, Cost>, unchanged: {} as Record<string, Cost> }
    // Who begins changes, so that neither always finds the server as the other has left it.
    const order = round % 2 === 0 ? (['run', 'preview'] as const) : (['preview', 'run'] as const)
    for (const way of order) {
      await empty(workload)
      costs.changed[way] = await costOf(ways[way])
    }
    await ways.run()
    for (const way of order) costs.unchanged[way] = await costOf(ways[way])
    if (round < 0) continue // warming up
    for (const what of ['changed', 'unchanged'] as const) {
      const { run, preview } = costs[what]
      if (run && preview) ratios[what].push({ ms: preview.ms / run.ms, cpuMs: preview.cpuMs / run.cpuMs })
    }
  }
  const days = daysOf(workload, employeeIds)
  console.log(`\npreview on ${name}: ${days.toLocaleString('en')} employee-days, 8 stages, median of ${ROUNDS} rounds`)
  tell('preview / first run, everything changes', ratios.changed, '(at most 1.0)')
  tell('preview / second run, nothing changes', ratios.unchanged, '(at most 1.1)')
  await service.stop()
}

function tell(what: string, ratios: readonly Cost[], target: string): void {
  const of = (part: keyof Cost) => `${median(ratios.map((ratio) => ratio[part])).toFixed(2)} x`
  console.log(`  ${what.padEnd(44)} ${of('ms')} by the clock, ${of('cpuMs')} by this process's CPU ${target}`)
}

async function costOf(work: () => Promise<void>): Promise<Cost> {
  const before = process.cpuUsage()
  const begin = performance.now()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { ms: performance.now() - begin, cpuMs: (user + system) / 1_000 }
}
