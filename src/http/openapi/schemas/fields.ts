import { z } from 'zod'
import { isIsoDate } from '../../../calendar/iso-date.ts'
import { describe } from '../../../expectation.ts'

// Where a schema refuses a value its message is what was expected; validation-errors.ts makes the sentence of it.

const MAX_ID_LENGTH = 255

/** The most wrong ids of a list that are named one by one. */
const MAX_WRONG_IDS = 20

const ID = `a string of 1 to ${MAX_ID_LENGTH} characters without control characters`

/** Ids are opaque, but none holds what no keyboard and no database column does. */
function isId(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_ID_LENGTH || !value.isWellFormed()) return false
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) < 0x20 || value.charCodeAt(i) === 0x7f) return false
  return true
}

const idShape = { type: 'string', minLength: 1, maxLength: MAX_ID_LENGTH } as const

/** The id of a tenant or an employee. */
export function idField(description: string) {
  return z
    .string({ error: ID })
    .refine(isId, { error: ID })
    .meta({ ...idShape, description })
}

/** Ids by the ten thousand: looked at in one go, because a schema for each would hold up the process. */
export function idsField(description: string) {
  return z
    .custom<readonly string[]>(Array.isArray, { error: 'an array of ids' })
    .superRefine((ids, context) => {
      let wrong = 0
      for (let i = 0; i < ids.length && wrong < MAX_WRONG_IDS; i++) {
        if (isId(ids[i])) continue
        wrong += 1
        context.addIssue({ code: 'custom', path: [i], message: ID })
      }
    })
    .meta({ type: 'array', items: idShape, description })
}

/** A calendar day. */
export function dateField(description: string) {
  const expectation = 'a calendar date as YYYY-MM-DD from 1900-01-01 to 9999-12-31'
  return z
    .string({ error: expectation })
    .refine(isIsoDate, { error: expectation })
    .meta({ format: 'date', description })
}

/** Words of a person. */
export function textField(description: string, most: number) {
  const expectation = `a text of at most ${most} characters`
  const isText = (value: string) => value.length <= most && value.isWellFormed() && !value.includes('\0')
  return z.string({ error: expectation }).refine(isText, { error: expectation }).meta({ maxLength: most, description })
}

/** A whole number as it is written in a query. */
export function wholeNumberField(description: string, range: { readonly least: number; readonly most: number }) {
  const { least, most } = range
  const expectation = `a whole number from ${least} to ${most}`
  const isNumber = (text: string) => /^\d{1,16}$/.test(text) && Number(text) >= least && Number(text) <= most
  return z
    .string({ error: expectation })
    .refine(isNumber, { error: expectation, abort: true })
    .transform(Number)
    .pipe(z.number().int().min(least).max(most))
    .meta({ description })
}

/** One of some words. */
export function choiceField<const Choices extends readonly [string, ...string[]]>(
  description: string,
  choices: Choices,
) {
  const expectation = choices.map((choice) => describe(choice)).join(' or ')
  return z.enum(choices, { error: expectation }).meta({ description })
}

/** What becomes of a job that meets another active one. */
export const whenBusyField = choiceField(
  'What becomes of it while another job is in the way: it is refused, or waits for its turn. Default: as the service says',
  ['reject', 'queue'],
)

/** An instant as it is answered. */
export function instantField(description: string) {
  return z.string().meta({ format: 'date-time', description })
}

/** A number of things. */
export function countField(description: string) {
  return z.number().int().min(0).meta({ description })
}

/** A path on this server. */
export function pathField(description: string) {
  return z.string().meta({ format: 'uri-reference', description })
}
