import { InvalidRequestError } from '../../errors.ts'
import { expected, isPlainObject, unknownProperty } from '../../expectation.ts'
import { type CorrectionPlace, parseCorrectionId } from './correction-id.ts'

/** The most corrections that are taken over by one call. */
const MOST_IDS = 10_000

/** Of which closed days and periods corrections are asked for. */
export interface CorrectionsRequest {
  /** The tenant. */
  readonly tenantId: string
  /** The first date, `YYYY-MM-DD`. */
  readonly from: string
  /** The last date, `YYYY-MM-DD`, inclusive. */
  readonly to: string
  /** Default: everybody whom the employee repository lists. */
  readonly employeeIds?: readonly string[]
}

/** Which corrections are taken over. */
export interface SettleCorrectionsRequest {
  /** The tenant. */
  readonly tenantId: string
  /** At most 10,000; one that is named twice counts once. */
  readonly ids: readonly string[]
  /** Who takes them over, such as the id of a user. */
  readonly actor?: string
}

/** A correction that somebody names. */
export interface NamedCorrection extends CorrectionPlace {
  readonly id: string
  readonly digest: string
}

/** What is checked of a {@link SettleCorrectionsRequest}. */
export interface CheckedSettle {
  readonly tenantId: string
  /** By digest. */
  readonly named: ReadonlyMap<string, NamedCorrection>
  readonly actor: string | null
}

/** @throws {InvalidRequestError} that names the value and what was expected of it. */
export function checkSettle(request: unknown): CheckedSettle {
  const { tenantId, ids, actor } = checkObject('request', request, ['tenantId', 'ids', 'actor'])
  if (typeof tenantId !== 'string' || tenantId === '') refuse('tenantId', 'a non-empty string', tenantId)
  if (actor !== undefined && typeof actor !== 'string') refuse('actor', 'a string', actor)
  if (!Array.isArray(ids) || ids.length > MOST_IDS) refuse('ids', `an array of at most ${MOST_IDS} ids`, ids)
  const named = ids.map((id: unknown) => ({ id: String(id), ...parseCorrectionId(id) }))
  return { tenantId, named: new Map(named.map((one) => [one.digest, one])), actor: actor ?? null }
}

/** @throws {InvalidRequestError} when it is no object, or has an unknown property. */
export function checkObject(name: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  const shape = `an object { ${known.join(', ')} }`
  if (!isPlainObject(value)) return refuse(name, shape, value)
  const unknown = unknownProperty(value, known)
  if (unknown === undefined) return value
  throw new InvalidRequestError(`${expected(name, shape, value)}: \`${unknown}\` is not known`)
}

/** @throws {InvalidRequestError} when it is no AbortSignal. */
export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal
  return refuse('signal', 'an AbortSignal', signal)
}

function refuse(name: string, expectation: string, value: unknown): never {
  throw new InvalidRequestError(expected(name, expectation, value))
}
