import { existsSync, readFileSync } from 'node:fs'

const STATUS = '/proc/self/status'

/**
 * The true peak of this process's memory as the operating system counts it, no sample; in megabytes. On Linux `maxRSS` begins
 * with what the parent had.
 */
export function peakMemoryMb(): number {
  const [, kilobytes] = (existsSync(STATUS) && /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(STATUS, 'utf8'))) || []
  return Number(kilobytes ?? process.resourceUsage().maxRSS) / 2 ** 10
}
