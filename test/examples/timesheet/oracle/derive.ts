// The rules of the timesheet a second time, written straight from their text: everything is looked at for every day, nothing is
// remembered, and no code is shared with the example.
import type { Company } from './company.ts'
import { clockTime, dateAt, dayEnd, dayStart, markFrom, markUntil, nextDate } from './zone.ts'

type Booking = Company['bookings'][number]
type Plan = Company['day_plans'][number]
interface Stretch {
  begin: number
  end: number
  beginMade: boolean
  endMade: boolean
  open: boolean
}
interface Matched {
  begin: number
  end: number
  open: boolean
  order: number
}

export interface DailyRow {
  employee_id: string
  work_date: string
  plan_id: number | null
  first_come: number | null
  last_go: number | null
  gross: number
  breaks: number
  net: number
  target: number
  credited: number
  overtime: number
  consecutive_days: number
  status: string
}

export interface Derived {
  daily_values: DailyRow[]
  daily_errors: { employee_id: string; work_date: string; code: string }[]
  work_time_averages: { employee_id: string; work_date: string; days: number; average: number; over_limit: number }[]
  monthly_values: {
    employee_id: string
    month: string
    net: number
    target: number
    credited: number
    overtime: number
    flextime_start: number
    flextime_change: number
    flextime_end: number
    error_days: number
    vacation_days: number
  }[]
}

const WEEK = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const

export function deriveAll(company: Company, zone: string, now: number): Derived {
  const derived: Derived = { daily_values: [], daily_errors: [], work_time_averages: [], monthly_values: [] }
  const today = dateAt(now, zone)
  for (const employee of company.employees) {
    const days: DailyRow[] = []
    const own = company.bookings.filter((one) => one.employee_id === employee.id && one.at <= now)
    const work = match(own, 'come', 'go', today, zone, now)
    const pauses = match(own, 'break_start', 'break_end', today, zone, now)
    const planOn = (date: string): Plan | undefined => {
      let valid: Company['plan_assignments'][number] | undefined
      for (const one of company.plan_assignments) {
        if (one.employee_id !== employee.id || one.valid_from > date) continue
        if (!valid || one.valid_from > valid.valid_from) valid = one
      }
      const id = valid?.[WEEK[new Date(`${date}T12:00:00Z`).getUTCDay()]!] ?? null
      return company.day_plans.find((plan) => plan.id === id)
    }
    for (let date = employee.entry_date; date <= today; date = nextDate(date)) {
      if (employee.exit_date !== null && date > employee.exit_date) break
      const start = dayStart(date, zone)
      const end = dayEnd(date, zone)
      const over = end <= now
      const plan = planOn(date)
      const codes = new Set<string>()

      // Rule 4
      const all: Stretch[] = []
      for (const pair of work.pairs) {
        const home = dateAt(pair.begin, zone)
        if (planOn(home)?.overnight) {
          if (home === date) all.push({ ...pair, beginMade: false, endMade: pair.open })
          continue
        }
        // A day that the zone skips has no time for anything to be inside of it.
        const inside = home === date || (start < end && pair.begin < end && pair.end > start)
        if (!inside) continue
        all.push({
          begin: Math.max(pair.begin, start),
          end: Math.min(pair.end, end),
          beginMade: pair.begin < start,
          endMade: pair.end > end || pair.open,
          open: pair.open && pair.end <= end,
        })
      }
      all.sort((a, b) => a.begin - b.begin || a.end - b.end)

      // Rule 5
      let counted = all.filter((one) => one.end > one.begin).map((one) => ({ ...one }))
      if (plan) {
        for (const one of counted) {
          one.begin = Math.max(one.begin, clockTime(date, plan.frame_from, zone))
          if (!plan.overnight) one.end = Math.min(one.end, clockTime(date, plan.frame_to, zone))
        }
        counted = counted.filter((one) => one.end > one.begin)
        const first = counted[0]
        if (first && plan.core_from !== null && !first.beginMade) {
          const late = first.begin - clockTime(date, plan.core_from, zone)
          if (late > 0 && late <= plan.tolerance_minutes * 60_000) first.begin -= late
        }
        const last = counted.at(-1)
        if (last && plan.core_to !== null && !last.endMade) {
          const early = clockTime(date, plan.core_to, zone) - last.end
          if (early > 0 && early <= plan.tolerance_minutes * 60_000) last.end += early
        }
      }
      const unrounded = counted.map((one) => ({ ...one }))
      if (plan) {
        for (const one of counted) {
          if (!one.beginMade && plan.round_come > 1) one.begin = markFrom(one.begin, plan.round_come, zone)
          if (!one.endMade && plan.round_go > 1) one.end = markUntil(one.end, plan.round_go, zone)
        }
        counted = counted.filter((one) => one.end > one.begin)
      }

      // Rule 6
      let ms = 0
      let pauseMs = 0
      for (const one of counted) {
        ms += one.end - one.begin
        for (const pause of pauses.pairs) {
          const from = pause.begin > one.begin ? pause.begin : one.begin
          const to = pause.end < one.end ? pause.end : one.end
          if (to > from) pauseMs += to - from
        }
      }
      const gross = Math.floor(ms / 60_000)
      let breaks = Math.floor(pauseMs / 60_000)
      const breakRules = company.break_rules.filter((rule) => rule.plan_id === plan?.id)
      breakRules.sort((a, b) => a.after_minutes - b.after_minutes)
      for (const rule of breakRules) {
        if (gross - breaks > rule.after_minutes) {
          breaks = Math.max(breaks, Math.min(rule.break_minutes, gross - rule.after_minutes))
        }
      }
      let net = gross - breaks
      if (plan && plan.max_net_minutes !== null && net > plan.max_net_minutes) net = plan.max_net_minutes

      // Rules 7 to 9
      const target = plan ? plan.target_minutes : 0
      const holiday = company.holidays.find((one) => one.date === date)
      const away = absenceOf(company, employee.id, date)
      let credited = 0
      if (holiday) credited = Math.floor((target * holiday.credit_percent) / 100 + 0.5)
      else if (away) {
        const kind = company.absence_kinds.find((one) => one.kind === away.kind)!
        credited = Math.floor((target * kind.credit_percent * (away.half_day ? 0.5 : 1)) / 100 + 0.5)
      }
      if (credited > target) credited = target
      if (counted.length === 0 && over && target > 0 && !holiday && !away) {
        if (plan?.no_booking === 'error') codes.add('NO_BOOKING')
        if (plan?.no_booking === 'target') net = target
      }

      // Rule 10
      const consecutive = net > 0 ? (days.at(-1)?.consecutive_days ?? 0) + 1 : 0
      if (over && counted.length > 0 && !holiday && !away && plan && plan.core_from !== null && plan.core_to !== null) {
        const from = clockTime(date, plan.core_from, zone)
        const to = clockTime(date, plan.core_to, zone)
        // A gap begins with the core or where a part ends.
        const suspects = [from, ...unrounded.map((one) => one.end)].filter((at) => at >= from && at < to)
        if (suspects.some((at) => !unrounded.some((one) => one.begin <= at && at < one.end))) codes.add('CORE_TIME')
      }
      const opening = work.pairs
        .filter((pair) => dateAt(pair.begin, zone) === date)
        .sort((a, b) => a.order - b.order)[0]
      if (opening) {
        const ends = work.pairs.filter((pair) => dateAt(pair.begin, zone) < date).map((pair) => pair.end)
        const latest = Math.max(Number.NEGATIVE_INFINITY, ...ends)
        if (opening.begin - latest < 11 * 3_600_000) codes.add('REST_PERIOD')
      }
      if (net > 0 && consecutive >= 7) codes.add('SEVENTH_DAY')
      if (gross - breaks > 600) codes.add('OVER_TEN_HOURS')
      for (const booking of work.alone) {
        if (dateAt(booking.at, zone) === date) codes.add(booking.kind === 'come' ? 'MISSING_GO' : 'MISSING_COME')
      }

      // Rule 11
      let status = over ? 'empty' : 'open'
      if (target === 0) status = 'off'
      if (counted.length > 0 || net > 0) status = 'present'
      if (away) status = 'absent'
      if (holiday) status = 'holiday'
      if (codes.size > 0) status = 'error'

      const lastPart = all.at(-1)
      days.push({
        employee_id: employee.id,
        work_date: date,
        plan_id: plan ? plan.id : null,
        first_come: all.length > 0 ? all[0]!.begin : null,
        last_go: !lastPart || lastPart.open ? null : lastPart.end,
        gross,
        breaks,
        net,
        target,
        credited,
        overtime: net + credited - target,
        consecutive_days: consecutive,
        status,
      })
      for (const code of [...codes].sort())
        derived.daily_errors.push({ employee_id: employee.id, work_date: date, code })

      // Rule 12
      let sum = 0
      let count = 0
      for (let back = 0; back < 168 && back < days.length; back++) {
        const row = days[days.length - 1 - back]!
        sum += row.net + row.credited
        if (row.target > 0) count++
      }
      if (count > 0) {
        const whole = Math.floor(sum / count)
        const average = (whole * 100 + Math.floor(((sum - whole * count) * 200 + count) / (2 * count))) / 100
        derived.work_time_averages.push({
          employee_id: employee.id,
          work_date: date,
          days: count,
          average,
          over_limit: average > 480 ? 1 : 0,
        })
      }
    }
    derived.daily_values.push(...days)

    // Rule 13
    const rules = company.flextime_rules[0]
    let balance = employee.flextime_start
    for (const month of new Set(days.map((day) => day.work_date.slice(0, 7)))) {
      const rows = days.filter((day) => day.work_date.startsWith(month))
      const row = {
        employee_id: employee.id,
        month,
        net: 0,
        target: 0,
        credited: 0,
        overtime: 0,
        flextime_start: balance,
        flextime_change: 0,
        flextime_end: 0,
        error_days: 0,
        vacation_days: 0,
      }
      for (const day of rows) {
        row.net += day.net
        row.target += day.target
        row.credited += day.credited
        row.overtime += day.overtime
        if (derived.daily_errors.some((one) => one.employee_id === employee.id && one.work_date === day.work_date)) {
          row.error_days++
        }
        const away = absenceOf(company, employee.id, day.work_date)
        const isVacation = company.absence_kinds.find((one) => one.kind === away?.kind)?.is_vacation
        if (away && isVacation && day.target > 0 && !company.holidays.some((one) => one.date === day.work_date)) {
          row.vacation_days += away.half_day ? 0.5 : 1
        }
      }
      row.flextime_change = row.overtime
      const most = rules?.max_credit_per_month ?? null
      if (most !== null && row.flextime_change > most) row.flextime_change = most
      balance += row.flextime_change
      if (rules && rules.cap !== null && balance > rules.cap) balance = rules.cap
      if (rules && rules.floor !== null && balance < rules.floor) balance = rules.floor
      row.flextime_end = balance
      derived.monthly_values.push(row)
    }
  }
  return derived
}

/** The absence with the lowest id. */
function absenceOf(company: Company, employeeId: string, date: string): Company['absences'][number] | undefined {
  let lowest: Company['absences'][number] | undefined
  for (const one of company.absences) {
    if (one.employee_id !== employeeId || one.from_date > date || one.to_date < date) continue
    if (!lowest || one.id < lowest.id) lowest = one
  }
  return lowest
}

/** Rule 3: for each beginning the end that follows it, if nothing forbids it. */
function match(
  bookings: readonly Booking[],
  begin: Booking['kind'],
  end: Booking['kind'],
  today: string,
  zone: string,
  now: number,
): { pairs: Matched[]; alone: Booking[] } {
  const own = bookings.filter((one) => one.kind === begin || one.kind === end)
  const isBehind = (a: Booking, b: Booking) => a.at > b.at || (a.at === b.at && a.id > b.id)
  const used = new Set<Booking>()
  const pairs: Matched[] = []
  for (const come of own.filter((one) => one.kind === begin)) {
    const later = own.filter((one) => isBehind(one, come))
    const partner = later.find((go) => go.kind === end && !later.some((other) => isBehind(go, other)))
    const order = own.filter((one) => isBehind(come, one)).length
    if (partner && partner.at - come.at <= 86_400_000) {
      pairs.push({ begin: come.at, end: partner.at, open: false, order })
      used.add(come).add(partner)
    } else if (later.length === 0 && dateAt(come.at, zone) === today) {
      pairs.push({ begin: come.at, end: now, open: true, order })
      used.add(come)
    }
  }
  return { pairs, alone: own.filter((one) => !used.has(one)) }
}
