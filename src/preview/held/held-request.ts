import { InvalidRequestError } from '../../errors.ts'
import { expected, isPlainObject, unknownProperty } from '../../expectation.ts'

/** The changes that are kept because their days are closed. */
export interface HeldRequest {
  /** They would be released, and settled. */
  readonly held: true
  /** The tenant; a non-empty string. */
  readonly tenantId: string
  /** One employee of the tenant. Default: everybody. */
  readonly employeeId?: string
  /** The changes tell which days. */
  readonly date?: never
  /** The changes tell which days. */
  readonly from?: never
  /** The changes tell which days. */
  readonly to?: never
  /** One employee, or everybody. */
  readonly employeeIds?: never
}

/** What can be said about a preview of held changes: they would be settled by all stages. */
export interface HeldPreviewOptions {
  /** Ends the preview: iterating it throws the signal's reason. */
  readonly signal?: AbortSignal
}

/** True for a request that is about held changes, right or wrong. */
export function isHeldRequest(request: unknown): request is HeldRequest {
  return isPlainObject(request) && 'held' in request
}

/** @throws {InvalidRequestError} that names the value and what was expected of it. */
export function checkHeldRequest(request: object, options: unknown): void {
  const { held, tenantId, employeeId, ...others } = request as Readonly<Record<string, unknown>> // whatever is in it
  if (held !== true) throw new InvalidRequestError(expected('held', 'true, or left out', held))
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    throw new InvalidRequestError(
      expected(unknown, 'left out with `held`: the changes tell which days', others[unknown]),
    )
  }
  checkId('tenantId', tenantId)
  if (employeeId !== undefined) checkId('employeeId', employeeId)
  if (!isPlainObject(options)) throw new InvalidRequestError(expected('options', 'an object { signal }', options))
  const option = unknownProperty(options, ['signal'])
  if (option !== undefined) {
    const expectation = 'left out with `held`: what is released is settled by all stages, as if no day were closed'
    throw new InvalidRequestError(expected(option, expectation, options[option]))
  }
  const { signal } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new InvalidRequestError(expected('signal', 'an AbortSignal', signal))
  }
}

function checkId(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '')
    throw new InvalidRequestError(expected(name, 'a non-empty string', value))
}
