import { addDays, type IsoDate } from 'recalc-service'
import type { Sources } from './generate.ts'

const flextime = {
  frame_from: '06:00',
  frame_to: '20:00',
  core_from: '09:30',
  core_to: '15:00',
  tolerance_minutes: 5,
  round_come: 1,
  round_go: 1,
  max_net_minutes: 600,
  overnight: 0,
  no_booking: 'error',
} as const

/** What holds for everybody in the made-up office. */
export function company(first: IsoDate, days: number): Sources {
  return {
    day_plans: [
      { ...flextime, id: 1, name: 'Flextime', target_minutes: 480 },
      {
        ...flextime,
        id: 2,
        name: 'Counter',
        target_minutes: 462,
        core_from: '09:00',
        round_come: 15,
        round_go: 15,
        no_booking: 'zero',
      },
      {
        ...flextime,
        id: 3,
        name: 'Night',
        target_minutes: 450,
        frame_from: '21:00',
        core_from: '22:30',
        core_to: null,
        round_come: 5,
        round_go: 5,
        overnight: 1,
        no_booking: 'target',
      },
    ],
    break_rules: [1, 2, 3].flatMap((plan_id) => [
      { plan_id, after_minutes: 360, break_minutes: 30 },
      { plan_id, after_minutes: 540, break_minutes: 45 },
    ]),
    holidays: [20, 61, 150, 151, 290, 380]
      .filter((day) => day < days)
      .map((day) => ({ date: addDays(first, day), name: 'Holiday', credit_percent: day === 380 ? 50 : 100 })),
    absence_kinds: [
      { kind: 'vacation', credit_percent: 100, is_vacation: 1 },
      { kind: 'sick', credit_percent: 100, is_vacation: 0 },
      { kind: 'training', credit_percent: 50, is_vacation: 0 },
    ],
    flextime_rules: [{ id: 1, max_credit_per_month: 900, cap: 3_000, floor: -1_200 }],
  }
}
