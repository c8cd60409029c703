import type { Logger } from '../../pipeline/context.ts'

/** What failed, as far as its wording goes. */
export interface FailureText {
  /** For programs. */
  readonly code: string
  /** For people. */
  readonly message: string
}

/** What clients may see of a failure. */
export type DescribeFailure = (failure: FailureText) => string

/**
 * Codes of databases, their drivers and the operating system, whose messages hold statements, values, hosts and paths:
 * MySQL, SQLite, Node, undici, SQLSTATE, Oracle, errno.
 */
const SYSTEM_CODES = [
  /^(ER|ERR|WARN|SQLITE|PROTOCOL|HANDSHAKE|AUTH|UND_ERR|ORA|NJS)[_-]/,
  /^(?=.*\d)[0-9A-Z]{5}$/,
  /^E[A-Z0-9]{2,}$/,
  /^BACKEND_UNAVAILABLE$/,
]

const LONGEST = 500

/** One line that says what failed; what databases and the system say about themselves stays inside. */
export function publicFailureText({ code, message }: FailureText): string {
  if (SYSTEM_CODES.some((pattern) => pattern.test(code))) return `The database or the system refused it (${code}).`
  const [line = ''] = message.split(/[\r\n\u2028\u2029]/, 1)
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 3)}...` : line
}

/** Codes of the library's own errors that can end a run: their words are its own, too. */
const OWN_CODES = ['CONTRACT', 'LEASE_LOST', 'PIPELINE', 'SERVICE_STOPPED', 'STAGE_TIMEOUT']

/**
 * What made a run end, or try again. That is seldom a calculator, mostly a database, and not every driver's errors have a
 * code that identifies it.
 */
export function faultText({ code, message }: FailureText): FailureText {
  return { code, message: OWN_CODES.includes(code) ? message : `The database or the host's own code failed (${code}).` }
}

/** A host's wording that can do no harm: when it throws, the library's own is used. */
export function harmlessDescription(describe: DescribeFailure, logger: Logger): DescribeFailure {
  return (failure) => {
    try {
      return String(describe(failure))
    } catch (error) {
      logger.error({ err: error }, 'describeFailure failed')
      return publicFailureText(failure)
    }
  }
}
