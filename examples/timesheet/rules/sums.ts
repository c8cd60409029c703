import { floorToMinutes, total } from './arithmetic.ts'
import type { BreakRule, DayPlan } from './plan.ts'
import { lengthOf, overlap, type Span } from './span.ts'

/** What the parts of a day come to, in minutes. */
export interface Sums {
  readonly gross: number
  readonly breaks: number
  readonly net: number
}

/** Rule 6. @param breaks Those that were booked, whenever they were. */
export function sumsOf(parts: readonly Span[], breaks: readonly Span[], plan: DayPlan | null): Sums {
  const gross = floorToMinutes(total(parts, lengthOf))
  const booked = floorToMinutes(total(parts, (part) => total(breaks, (pause) => overlap(part, pause))))
  const taken = withRequired(booked, gross, plan?.breakRules ?? [])
  return { gross, breaks: taken, net: Math.min(gross - taken, plan?.maxNetMinutes ?? gross) }
}

/** Nobody falls below a rule's limit by the break that it asks for. */
function withRequired(booked: number, gross: number, rules: readonly BreakRule[]): number {
  return rules.reduce(
    (breaks, { afterMinutes, breakMinutes }) =>
      gross - breaks > afterMinutes ? Math.max(breaks, Math.min(breakMinutes, gross - afterMinutes)) : breaks,
    booked,
  )
}
