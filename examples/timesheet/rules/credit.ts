import { divideHalfUp } from './arithmetic.ts'

/** Whoever is away, from the first to the last date. */
export interface Absence {
  readonly id: number
  readonly from: string
  readonly to: string
  readonly creditPercent: number
  readonly isVacation: boolean
  readonly isHalfDay: boolean
}

/** Of several the lowest id. */
export function absenceOn(date: string, absences: readonly Absence[]): Absence | undefined {
  return absences
    .filter(({ from, to }) => from <= date && date <= to)
    .reduce<Absence | undefined>((lowest, absence) => (lowest && lowest.id < absence.id ? lowest : absence), undefined)
}

/** Rule 7: how much of the target needs no work. A holiday wins over an absence. */
export function creditedMinutes(
  target: number,
  holidayPercent: number | undefined,
  absence: Absence | undefined,
): number {
  const percent = holidayPercent ?? absence?.creditPercent ?? 0
  const share = holidayPercent === undefined && absence?.isHalfDay ? 200 : 100
  return Math.min(target, divideHalfUp(target * percent, share))
}
