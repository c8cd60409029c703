import type { ProgressEvent } from '../jobs/job-events.ts'

const WIDTH = 30

/** Where progress is shown: `process.stdout`, say. */
export interface Screen {
  /** Whether it is a terminal, on which a line can be drawn anew. */
  readonly isTTY?: boolean
  /** The width of the terminal, in characters. */
  readonly columns?: number
  /** Writes text as it is. */
  write(text: string): unknown
}

/**
 * Shows a job's `progress` events: one line that is drawn over and over in a terminal, and a line of its own for every
 * tenth where there is none, in a log for example.
 */
export class ProgressBar {
  readonly #screen: Screen
  #tenths = -1
  #waitingFor: string | null = null

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /** Shows where it stands. On a terminal the line is drawn anew, elsewhere each call writes a line. */
  show(event: ProgressEvent): void {
    if (this.#screen.isTTY) {
      const filled = Math.floor(event.progress * WIDTH)
      const line = `[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${describe(event)}`
      // One column less than there are, or the terminal would wrap the line. Some terminals say that they have none.
      this.#screen.write(`\r\x1b[K${line.slice(0, (this.#screen.columns || 120) - 1)}`)
      return
    }
    const tenths = Math.floor(event.progress * 10)
    const { waitingFor } = event
    if (tenths > this.#tenths || (waitingFor !== null && waitingFor !== this.#waitingFor))
      this.#screen.write(`${describe(event)}\n`)
    this.#tenths = tenths
    this.#waitingFor = waitingFor
  }

  /** Leaves the bar as it is; what is written next begins on a new line. */
  end(): void {
    if (this.#screen.isTTY) this.#screen.write('\n')
  }
}

function describe(event: ProgressEvent): string {
  const { progress, current, total, title, employeeId, elapsedMs, remainingMs, waitingFor } = event
  const percent = `${Math.floor(progress * 100)}%`.padStart(4)
  const days = total > 0 ? `${current} of ${total} days` : progress === 1 ? 'no days' : 'counting days'
  const time = `${seconds(elapsedMs)}${remainingMs === null || progress === 1 ? '' : `, ${seconds(remainingMs)} left`}`
  if (waitingFor !== null) return `${percent}  ${days}  ${time}  waiting: ${waitingFor}`
  return `${percent}  ${days}  ${time}  ${title}${employeeId === null ? '' : ` (${employeeId})`}`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
