import { type Contender, type Measured, median, race } from '../measure.ts'
import { type CpuSeconds, cpuOf } from './cpu.ts'
import {
  assertSame,
  type DerivedTable,
  daysOf,
  empty,
  type Fingerprint,
  fingerprint,
  type Workload,
} from './workload.ts'

/** A way of recalculating, against another one. */
export interface Way {
  readonly name: string
  /** How the speed of the first way, divided by this one's, is to come out. */
  readonly target?: string
  /** Whose days it does. Default: everybody's. */
  readonly employeeIds?: readonly string[]
  /** Which tables it fills. Default: all of them. */
  readonly tables?: readonly DerivedTable[]
  /** True when the rows of the way before it are there already. */
  readonly again?: true
  run(): Promise<unknown>
}

/**
 * Races ways of doing the same, each from empty derived tables, and fails when one of them leaves other rows than the first.
 *
 * The processor time is what each needs of the machine: with others at work on it, it says more than the clock.
 */
export async function raceOnServer(
  workload: Workload,
  { ways, rounds, serverPid }: { readonly ways: readonly Way[]; readonly rounds: number; readonly serverPid: number },
): Promise<void> {
  const cpu = new Map<string, CpuSeconds[]>(ways.map(({ name }) => [name, []]))
  const wanted = new Map<string, Fingerprint>()
  const [first] = ways
  if (!first) return
  await empty(workload)
  await first.run()
  for (const way of ways) wanted.set(way.name, await fingerprint(workload, shareOf(workload, way)))

  const contenders = ways.map((way): Contender => {
    const share = shareOf(workload, way)
    return {
      name: way.name,
      async prepare() {
        if (!way.again) await empty(workload)
      },
      async run() {
        const before = cpuOf(serverPid)
        await way.run()
        const after = cpuOf(serverPid)
        cpu.get(way.name)?.push({ server: after.server - before.server, here: after.here - before.here })
        return daysOf(workload, share.employeeIds)
      },
      async check() {
        assertSame(way.name, await fingerprint(workload, share), wanted.get(way.name) ?? {})
      },
    }
  })
  print(workload, ways, { measured: await race(contenders, rounds), cpu })
}

function shareOf({ employeeIds }: Workload, way: Way) {
  return { employeeIds: way.employeeIds ?? employeeIds, ...(way.tables && { tables: way.tables }) }
}

function print(
  workload: Workload,
  ways: readonly Way[],
  {
    measured,
    cpu,
  }: { readonly measured: readonly Measured[]; readonly cpu: ReadonlyMap<string, readonly CpuSeconds[]> },
): void {
  const [first] = measured
  console.log(`  ${''.padEnd(54)}   days/s  ${''.padEnd(22)} CPU s per 10,000 days: server, here`)
  for (const [index, way] of ways.entries()) {
    const own = measured[index]
    if (!own) continue
    // Round by round: what slows the machine down for a while then slows both.
    const ratios = own.speeds.map((speed, round) => (first?.speeds[round] ?? Number.NaN) / speed)
    const ratio = way.target === undefined ? '' : `${median(ratios).toFixed(2)} x (${way.target})`
    const { employeeIds } = shareOf(workload, way)
    const used = (cpu.get(way.name) ?? []).slice(1) // as in the race, the first round warms up
    const scale = 10_000 / daysOf(workload, employeeIds)
    const part = (of: keyof CpuSeconds) => (median(used.map((one) => one[of])) * scale).toFixed(2).padStart(8)
    const share = way.employeeIds ? ` (${employeeIds.length} of ${workload.employeeIds.length})` : ''
    const speed = Math.round(own.speed).toLocaleString('en').padStart(8)
    console.log(`  ${(way.name + share).padEnd(54)} ${speed}  ${ratio.padStart(22)} ${part('server')} ${part('here')}`)
  }
}
