import { readFileSync } from 'node:fs'

/** Seconds of processor time. */
export interface CpuSeconds {
  readonly server: number
  readonly here: number
}

/** `sysconf(_SC_CLK_TCK)`, which is this everywhere. */
const TICKS_PER_SECOND = 100

/** What the server and this process have used so far; NaN for the server where there is no /proc. */
export function cpuOf(serverPid: number): CpuSeconds {
  const { user, system } = process.cpuUsage()
  return { server: cpuOfProcess(serverPid), here: (user + system) / 1e6 }
}

function cpuOfProcess(pid: number): number {
  try {
    // The name in front may hold anything but ends with a parenthesis; user and system time are fields 14 and 15.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return Number.NaN
  }
}
