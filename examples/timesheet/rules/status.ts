import type { DayStatus } from './daily-value.ts'

interface DayMarks {
  readonly hasError: boolean
  readonly isHoliday: boolean
  readonly isAbsent: boolean
  readonly isPresent: boolean
  readonly isOff: boolean
  readonly isOver: boolean
}

/** Rule 11: the first that fits. */
export function statusOf(day: DayMarks): DayStatus {
  if (day.hasError) return 'error'
  if (day.isHoliday) return 'holiday'
  if (day.isAbsent) return 'absent'
  if (day.isPresent) return 'present'
  if (day.isOff) return 'off'
  return day.isOver ? 'empty' : 'open'
}
