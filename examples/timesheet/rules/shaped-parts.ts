import type { IsoDate } from 'recalc-service'
import { MINUTE } from './arithmetic.ts'
import type { Part } from './parts.ts'
import type { DayPlan } from './plan.ts'
import { isEmpty } from './span.ts'
import type { WallClock } from './wall-clock.ts'

/** The parts of a day as its plan counts them; those that come out empty are gone. */
export interface ShapedParts {
  readonly beforeRounding: readonly Part[]
  readonly parts: readonly Part[]
}

/** Rule 5: frame, core and rounding, in this order. @param plan `null`: a day off, which leaves the parts as they are. */
export function shapeParts(parts: readonly Part[], date: IsoDate, plan: DayPlan | null, clock: WallClock): ShapedParts {
  const booked = parts.filter((part) => !isEmpty(part))
  if (!plan || booked.length === 0) return { beforeRounding: booked, parts: booked }
  const framed = booked.map((part) => inFrame(part, date, plan, clock)).filter((part) => !isEmpty(part))
  const beforeRounding = toCore(framed, date, plan, clock)
  const rounded = beforeRounding.map((part) => rounding(part, plan, clock)).filter((part) => !isEmpty(part))
  return { beforeRounding, parts: rounded }
}

function inFrame(part: Part, date: IsoDate, { frameFrom, frameTo, isOvernight }: DayPlan, clock: WallClock): Part {
  const from = Math.max(part.from, clock.at(date, frameFrom))
  const to = isOvernight ? part.to : Math.min(part.to, clock.at(date, frameTo))
  return { ...part, from, to }
}

/** Whoever is a little late, or leaves a little early, is forgiven. */
function toCore(parts: readonly Part[], date: IsoDate, plan: DayPlan, clock: WallClock): readonly Part[] {
  const { coreFrom, coreTo } = plan
  const tolerance = plan.toleranceMinutes * MINUTE
  const isForgiven = (ms: number) => ms > 0 && ms <= tolerance
  return parts.map((part, index) => {
    let { from, to } = part
    if (index === 0 && coreFrom !== null && !part.isFromMade) {
      const begin = clock.at(date, coreFrom)
      if (isForgiven(from - begin)) from = begin
    }
    if (index === parts.length - 1 && coreTo !== null && !part.isToMade) {
      const end = clock.at(date, coreTo)
      if (isForgiven(end - to)) to = end
    }
    return { ...part, from, to }
  })
}

function rounding(part: Part, { roundCome, roundGo }: DayPlan, clock: WallClock): Part {
  const isRounded = (minutes: number, isMade: boolean) => minutes > 1 && !isMade
  return {
    ...part,
    from: isRounded(roundCome, part.isFromMade) ? clock.roundUp(part.from, roundCome) : part.from,
    to: isRounded(roundGo, part.isToMade) ? clock.roundDown(part.to, roundGo) : part.to,
  }
}
