import { createProductivity } from '../examples/productivity/productivity.ts'
import { median } from './measure.ts'
import { generatedWorkload } from './server/generated.ts'
import { type BenchServer, onServers } from './server/on-servers.ts'
import { daysOf, empty, TENANT } from './server/workload.ts'

const ROUNDS = 7

/** The reference back end with a history against the same without one: when everything changes, and when nothing does. */
export async function benchHistory(): Promise<void> {
  await onServers('history', race)
}

async function race({ name, url, db }: BenchServer): Promise<void> {
  const workload = await generatedWorkload(db, url)
  const { zone, from, to, asOf, employeeIds } = workload
  const services = {
    off: createProductivity(db, { zone, asOf }),
    on: createProductivity(db, { zone, asOf, history: true }),
  }
  const timeOf = async (service: keyof typeof services) => {
    const begin = performance.now()
    const handle = await services[service].triggerRecalcAllAsync({ tenantId: TENANT, from, to })
    const { status } = await handle.result
    if (status !== 'completed') throw new Error(`Expected the job to be completed, it is ${status}`)
    return performance.now() - begin
  }
  const ratios = { changed: [] as number[], unchanged: [] as number[] }
  const speeds: Record<string, number[]> = { off: [], on: [] }
  for (let round = -1; round < ROUNDS; round++) {
    const times: Record<string, { changed: number; unchanged: number }> = {}
    // Who begins changes, so that neither always finds the server as the other has left it.
    for (const name of round % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const)) {
      await empty(workload)
      times[name] = { changed: await timeOf(name), unchanged: await timeOf(name) }
    }
    if (round < 0) continue // warming up
    for (const what of ['changed', 'unchanged'] as const) {
      ratios[what].push((times.on?.[what] ?? Number.NaN) / (times.off?.[what] ?? Number.NaN))
    }
    for (const name of ['off', 'on']) speeds[name]?.push(times[name]?.changed ?? Number.NaN)
  }
  const days = daysOf(workload, employeeIds)
  console.log(`\nhistory on ${name}: ${days.toLocaleString('en')} employee-days, 8 stages`)
  const tell = (what: string, value: string, target: string) => console.log(`  ${what.padEnd(54)} ${value} ${target}`)
  const ratio = (values: readonly number[]) => `${median(values).toFixed(2)} x`
  tell('on / off, everything changes', ratio(ratios.changed), '(at most 1.25)')
  tell('on / off, nothing changes', ratio(ratios.unchanged), '(at most 1.0)')
  tell(
    'everything changes: off, on',
    `${median(speeds.off ?? []).toFixed(0)} ms, ${median(speeds.on ?? []).toFixed(0)} ms`,
    '',
  )
  for (const service of Object.values(services)) await service.stop()
}
