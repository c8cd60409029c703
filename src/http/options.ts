import { type Clock, systemClock } from '../calendar/clock.ts'
import { InvalidOptionsError } from '../errors.ts'
import { describe, expected, hasMethods, isPlainObject, unknownProperty } from '../expectation.ts'
import type { Logger } from '../pipeline/context.ts'
import { harmlessLogger, silentLogger } from '../pipeline/logger.ts'
import type { Authorize } from './auth/access.ts'
import { type DescribeFailure, harmlessDescription, publicFailureText } from './response/failure-text.ts'

/** How a service is reached over HTTP. */
export interface RecalcApiOptions {
  /** Who is calling and what they may do; `apiKeys(…)` makes one. */
  readonly authorize: Authorize
  /** The path that everything lies below. Default `/api/system/recalculate`. */
  readonly basePath?: string
  /** The least time between the starts of two batch or all jobs of one tenant, in milliseconds. Default 300,000. */
  readonly cooldownMs?: number
  /** The longest silence of a stream, and how often its client's credentials are checked again, in milliseconds. Default 15,000. */
  readonly heartbeatMs?: number
  /** The longest body, in bytes. Default 1,048,576. */
  readonly maxBodyBytes?: number
  /** Other origins whose pages may call, such as `https://admin.example.com`. Default none. */
  readonly allowedOrigins?: readonly string[]
  /**
   * The text that clients see for a failed day. Default: the first line of its message; for an error of a database or of the
   * system only its code.
   */
  readonly describeFailure?: DescribeFailure
  /** Gets unexpected errors, under `err`; pino's shape. Default: silent. */
  readonly logger?: Logger
  /** Default: the machine's. */
  readonly clock?: Clock
}

/** Options with every default filled in. */
export type ResolvedApiOptions = Required<RecalcApiOptions>

const KNOWN: readonly (keyof RecalcApiOptions)[] = [
  'authorize',
  'basePath',
  'cooldownMs',
  'heartbeatMs',
  'maxBodyBytes',
  'allowedOrigins',
  'describeFailure',
  'logger',
  'clock',
]

/** The longest that a timer can wait; beyond it, it fires at once. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {InvalidOptionsError} that names the value and what was expected of it.
 */
export function resolveApiOptions(options: RecalcApiOptions): ResolvedApiOptions {
  if (!isPlainObject(options)) throw new InvalidOptionsError(expected('options', 'an object { authorize, … }', options))
  const unknown = unknownProperty(options, KNOWN)
  if (unknown !== undefined) {
    throw new InvalidOptionsError(`Expected \`options\` to have only ${KNOWN.join(', ')}, got \`${unknown}\``)
  }
  const { authorize, logger: given = silentLogger, clock = systemClock, describeFailure = publicFailureText } = options
  checkFunction('authorize', authorize, 'a function (request) => access or null, such as apiKeys(…)')
  checkFunction('describeFailure', describeFailure, 'a function (failure) => string')
  if (!hasMethods(given, ['debug', 'info', 'warn', 'error'])) {
    throw new InvalidOptionsError(expected('logger', 'an object with debug(), info(), warn(), error()', given))
  }
  if (!hasMethods(clock, ['now', 'setTimeout'])) {
    throw new InvalidOptionsError(expected('clock', 'an object with now(), setTimeout()', clock))
  }
  const logger = harmlessLogger(given)
  return {
    authorize,
    basePath: basePathOf(options.basePath),
    cooldownMs: wholeNumber('cooldownMs', options.cooldownMs, { default: 300_000, least: 0 }),
    heartbeatMs: wholeNumber('heartbeatMs', options.heartbeatMs, { default: 15_000, least: 1, most: LONGEST_WAIT_MS }),
    maxBodyBytes: wholeNumber('maxBodyBytes', options.maxBodyBytes, { default: 1_048_576, least: 1 }),
    allowedOrigins: originsOf(options.allowedOrigins),
    describeFailure: harmlessDescription(describeFailure, logger),
    logger,
    clock,
  }
}

/** `/` and the empty string are the same place. */
function basePathOf(basePath: unknown = '/api/system/recalculate'): string {
  if (basePath === '/') return ''
  if (typeof basePath === 'string' && /^(?:\/[A-Za-z0-9._~-]+)*$/.test(basePath)) return basePath
  throw new InvalidOptionsError(expected('basePath', 'a path such as "/api/system/recalculate"', basePath))
}

function originsOf(origins: unknown = []): readonly string[] {
  const isOrigin = (origin: unknown) => typeof origin === 'string' && URL.parse(origin)?.origin === origin
  if (Array.isArray(origins) && origins.every(isOrigin)) return [...origins]
  const wrong = Array.isArray(origins) ? origins.find((origin) => !isOrigin(origin)) : origins
  const expectation = 'an array of origins such as "https://admin.example.com"'
  throw new InvalidOptionsError(`Expected \`allowedOrigins\` to be ${expectation}, got ${describe(wrong)}`)
}

function checkFunction(name: string, value: unknown, expectation: string): void {
  if (typeof value !== 'function') throw new InvalidOptionsError(expected(name, expectation, value))
}

function wholeNumber(
  name: string,
  value: unknown,
  range: { readonly default: number; readonly least: number; readonly most?: number },
): number {
  const { least, most = Number.MAX_SAFE_INTEGER } = range
  if (value === undefined) return range.default
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return Number(value)
  const upTo = range.most === undefined ? '' : ` to ${most}`
  throw new InvalidOptionsError(expected(name, `a whole number from ${least}${upTo}`, value))
}
