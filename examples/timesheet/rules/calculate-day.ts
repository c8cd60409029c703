import type { IsoDate } from 'recalc-service'
import { absenceOn, creditedMinutes } from './credit.ts'
import { isRestTooShort, isTooLong, isTooManyDays, missesCoreTime } from './daily-errors.ts'
import type { DailyValue, ErrorCode } from './daily-value.ts'
import type { EmployeeFacts } from './employee-facts.ts'
import { shapeParts } from './shaped-parts.ts'
import { statusOf } from './status.ts'
import { sumsOf } from './sums.ts'

/**
 * Rules 1 to 11, and the only place where they are put together. `null`: the day has no row.
 *
 * @param yesterday `null`: there was no row yet.
 */
export function calculateDay(
  date: IsoDate,
  facts: EmployeeFacts,
  yesterday: Pick<DailyValue, 'consecutiveDays'> | null,
): DailyValue | null {
  if (!facts.hasRow(date)) return null
  const { clock, records, rules } = facts
  const plan = facts.planOn(date)
  const target = plan?.targetMinutes ?? 0
  const holiday = rules.holidays.get(date)
  const absence = absenceOn(date, records.absences)
  const isWorkday = holiday === undefined && !absence
  const isOver = clock.dayOf(date).to <= facts.now

  const booked = facts.partsOn(date)
  const { parts, beforeRounding } = shapeParts(booked, date, plan, clock)
  const hasParts = parts.length > 0
  const sums = sumsOf(parts, facts.breaks, plan)
  const isWithoutBooking = !hasParts && isOver && target > 0 && isWorkday
  const net = isWithoutBooking && plan?.noBooking === 'target' ? target : sums.net
  const credited = creditedMinutes(target, holiday, absence)
  const consecutiveDays = net > 0 ? (yesterday?.consecutiveDays ?? 0) + 1 : 0

  const errors = new Set<ErrorCode>(facts.missingOn(date))
  if (isWithoutBooking && plan?.noBooking === 'error') errors.add('NO_BOOKING')
  if (isOver && hasParts && isWorkday && plan && missesCoreTime(beforeRounding, date, plan, clock)) {
    errors.add('CORE_TIME')
  }
  if (isRestTooShort(facts.restBefore(date))) errors.add('REST_PERIOD')
  if (isTooManyDays(consecutiveDays)) errors.add('SEVENTH_DAY')
  if (isTooLong(sums.gross - sums.breaks)) errors.add('OVER_TEN_HOURS')

  const last = booked.at(-1)
  return {
    planId: plan?.id ?? null,
    firstCome: booked[0]?.from ?? null,
    lastGo: last && !last.isOpen ? last.to : null,
    gross: sums.gross,
    breaks: sums.breaks,
    net,
    target,
    credited,
    overtime: net + credited - target,
    consecutiveDays,
    status: statusOf({
      hasError: errors.size > 0,
      isHoliday: holiday !== undefined,
      isAbsent: absence !== undefined,
      isPresent: hasParts || net > 0,
      isOff: target === 0,
      isOver,
    }),
    errors: [...errors].sort(),
  }
}
