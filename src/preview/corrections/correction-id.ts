import { type IsoDate, isIsoDate } from '../../calendar/iso-date.ts'
import { InvalidRequestError } from '../../errors.ts'
import { describe } from '../../expectation.ts'

/** Which value a correction is of, and of which request. */
export interface CorrectionPlace {
  readonly stage: string
  readonly employeeId: string
  readonly date: IsoDate
  readonly through: IsoDate
  /** The first day that was asked for. */
  readonly from: IsoDate
  /** The last one. */
  readonly to: IsoDate
}

/** An id that a spreadsheet takes for text. */
const ID = /^c([0-9a-f]{32})\.([A-Za-z0-9_-]+)$/

export function correctionIdOf(digest: string, place: CorrectionPlace): string {
  const { stage, employeeId, date, through, from, to } = place
  const text = JSON.stringify([stage, employeeId, date, through, from, to])
  return `c${digest}.${Buffer.from(text).toString('base64url')}`
}

/** @throws {InvalidRequestError} when it is no id that {@link correctionIdOf} gave. */
export function parseCorrectionId(id: unknown): CorrectionPlace & { readonly digest: string } {
  const [, digest, body] = typeof id === 'string' ? (ID.exec(id) ?? []) : []
  const place = body === undefined ? undefined : placeOf(body)
  if (digest !== undefined && place) return { digest, ...place }
  throw new InvalidRequestError(`Expected \`ids\` to be the ids of corrections, got ${describe(id)} among them`)
}

function placeOf(body: string): CorrectionPlace | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(body, 'base64url').toString())
    if (!Array.isArray(parts) || parts.length !== 6) return undefined
    const [stage, employeeId, ...dates] = parts as readonly unknown[]
    if (typeof stage !== 'string' || typeof employeeId !== 'string' || employeeId === '') return undefined
    const [date, through, from, to] = dates
    if (!isIsoDate(date) || !isIsoDate(through) || !isIsoDate(from) || !isIsoDate(to)) return undefined
    return { stage, employeeId, date, through, from, to }
  } catch {
    return undefined
  }
}
