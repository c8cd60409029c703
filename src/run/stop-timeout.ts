import { InvalidRequestError } from '../errors.ts'
import { expected, isPlainObject, unknownProperty } from '../expectation.ts'

/** How long a stop may take, in milliseconds. @throws {InvalidRequestError} */
export function stopTimeoutOf(options: unknown): number {
  const unknown = isPlainObject(options) ? unknownProperty(options, ['timeoutMs']) : undefined
  if (!isPlainObject(options) || unknown !== undefined) {
    throw new InvalidRequestError(expected('options', 'an object { timeoutMs? }', options))
  }
  const { timeoutMs = 30_000 } = options
  if (Number.isSafeInteger(timeoutMs) && Number(timeoutMs) >= 0 && Number(timeoutMs) < 2 ** 31) return Number(timeoutMs)
  throw new InvalidRequestError(expected('timeoutMs', 'a whole number from 0', timeoutMs))
}
