import type { ProgressEvent } from 'recalc-service'
import { ProgressBar } from 'recalc-service/cli'
import { describe, expect, it } from 'vitest'

const event = (current: number, rest: Partial<ProgressEvent> = {}): ProgressEvent => ({
  type: 'progress',
  seq: 1,
  jobId: 'j',
  at: new Date(0),
  progress: current / 100,
  current,
  total: 100,
  waitingFor: null,
  totalDays: 100,
  processedDays: current,
  unchangedDays: 0,
  skippedDays: 0,
  failedDays: 0,
  errorCount: 0,
  stage: 1,
  title: 'Scoring',
  employeeId: 'a',
  employeeName: null,
  elapsedMs: 1234,
  remainingMs: 5678,
  ...rest,
})

function shown(screen: { isTTY?: boolean; columns?: number }, events: readonly ProgressEvent[]): string {
  let text = ''
  const bar = new ProgressBar({
    ...screen,
    write: (piece) => {
      text += piece
    },
  })
  for (const each of events) bar.show(each)
  bar.end()
  return text
}

describe('ProgressBar', () => {
  it('draws one line over and over in a terminal', () => {
    expect(shown({ isTTY: true, columns: 200 }, [event(50), event(100, { remainingMs: 0 })])).toBe(
      `\r\x1b[K[${'#'.repeat(15)}${'.'.repeat(15)}]  50%  50 of 100 days  1.2 s, 5.7 s left  Scoring (a)` +
        `\r\x1b[K[${'#'.repeat(30)}] 100%  100 of 100 days  1.2 s  Scoring (a)\n`,
    )
  })

  it('never wraps', () => {
    expect(shown({ isTTY: true, columns: 40 }, [event(50)])).toHaveLength('\r\x1b[K'.length + 39 + '\n'.length)
  })

  it('writes plain lines where there is no terminal, one for every tenth', () => {
    const events = [
      event(0, { total: 0, employeeId: null, remainingMs: null }),
      ...[0, 1, 9, 10, 11, 35, 100].map((current) => event(current)),
    ]
    expect(shown({}, events).split('\n')).toEqual([
      '  0%  counting days  1.2 s  Scoring',
      ' 10%  10 of 100 days  1.2 s, 5.7 s left  Scoring (a)',
      ' 35%  35 of 100 days  1.2 s, 5.7 s left  Scoring (a)',
      '100%  100 of 100 days  1.2 s  Scoring (a)',
      '',
    ])
  })
})
