import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const SIZES = [100_000, 1_000_000, 5_000_000]
const IN_ALL = 5_000_000

interface Peak {
  readonly idleMb: number
  readonly peakMb: number
  readonly days: number
}

/**
 * Peak memory of whole processes. Each does five million days in all, in jobs of different size: what a bigger job needs
 * more is the library's doing, what the collector lets pile up over the same amount of work is not.
 */
export function benchMemory(): void {
  console.log(`\n(b) peak memory above the idle process (resident set), ${IN_ALL.toLocaleString('en')} days in all`)
  for (const kind of ['bulk', 'daily']) {
    for (const days of SIZES) {
      const calculator = kind === 'bulk' ? 'bulk day stage' : 'DailyCalc'
      printPeak(`${calculator}, jobs of ${days.toLocaleString('en')} days`, measure(kind, days))
    }
  }
}

/** What a child process of this folder measured of itself. */
export function peakOf(script: string, args: readonly string[]): Peak {
  const child = fileURLToPath(new URL(script, import.meta.url))
  const output = execFileSync(process.execPath, [child, ...args], { encoding: 'utf8' })
  // The child prints nothing else.
  return JSON.parse(output) as Peak
}

/** The line for one measurement. */
export function printPeak(name: string, { idleMb, peakMb }: Peak): void {
  const above = `${(peakMb - idleMb).toFixed(0)} MB`
  console.log(`  ${name.padEnd(58)} ${above.padStart(8)} (idle ${idleMb.toFixed(0)} MB)`)
}

function measure(kind: string, days: number): Peak {
  return peakOf('memory-child.ts', [kind, String(days), String(IN_ALL)])
}
