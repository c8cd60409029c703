import type { Clock } from '../../calendar/clock.ts'
import { isZone } from '../../calendar/zone.ts'
import { CallTimeoutError, InvalidOptionsError, InvalidRequestError } from '../../errors.ts'
import { expected } from '../../expectation.ts'
import { withDeadline } from '../units/deadline.ts'

/** An IANA zone for everybody, or what tells that of a tenant, and of an employee when one is named. */
export type ZoneOption = string | ((tenantId: string, employeeId?: string) => string | Promise<string>)

/** Which zones a service works in. Nobody waits for the host's answer for ever. */
export class Zones {
  readonly #zone: ZoneOption
  readonly #limits: { readonly clock: Clock; readonly timeoutMs: number }

  /** @throws {InvalidOptionsError} when `zone` is neither an IANA zone nor a function. */
  constructor(zone: unknown, limits: { readonly clock: Clock; readonly timeoutMs: number }) {
    // Whether a function keeps its contract is seen when it is called.
    this.#zone = typeof zone === 'function' ? (zone as ZoneOption) : checkZone('zone', zone)
    this.#limits = limits
  }

  /** @throws {InvalidOptionsError} when it is no IANA zone; whatever the host's function throws, as it is. */
  async ofTenant(tenantId: string, stopped: AbortSignal, callers: AbortSignal | undefined): Promise<string> {
    const zone = this.#zone
    if (typeof zone === 'string') return zone
    const signal = callers ? AbortSignal.any([stopped, callers]) : stopped
    return await this.#ask(`zone(${JSON.stringify(tenantId)})`, async () => zone(tenantId), signal)
  }

  /** What {@link ofTenant} would give, where that is known without waiting. */
  knownOf(tenantId: string, employeeId: string | undefined): string | undefined {
    const zone = this.#zone
    if (typeof zone === 'string') return zone
    const answer: unknown = employeeId === undefined ? zone(tenantId) : zone(tenantId, employeeId)
    if (isZone(answer)) return answer
    if (answer instanceof Promise) answer.catch(() => {}) // nobody waits for it
    return undefined
  }

  /** The zone of everybody; undefined where employees may each have one of their own. */
  get ofEverybody(): string | undefined {
    return typeof this.#zone === 'string' ? this.#zone : undefined
  }

  /**
   * The zones of the employees of a run, each asked for once as long as it is among the last `most`. Undefined: a fixed zone is
   * everybody's.
   */
  ofRun(tenantId: string, most: number, stopping: () => AbortSignal): EmployeeZones | undefined {
    const zone = this.#zone
    if (typeof zone === 'string') return undefined
    // A Map keeps the order in which its keys were put in: the first is the oldest.
    const known = new Map<string, Promise<string>>()
    return async (employeeId) => {
      if (typeof employeeId !== 'string' || employeeId === '') {
        throw new InvalidRequestError(expected('employeeId', 'a non-empty string', employeeId))
      }
      const before = known.get(employeeId)
      if (before) return await before
      const name = `zone(${JSON.stringify(tenantId)}, ${JSON.stringify(employeeId)})`
      const asked = this.#ask(name, async () => zone(tenantId, employeeId), stopping())
      const [oldest] = known.size >= most ? known.keys() : []
      if (oldest !== undefined) known.delete(oldest)
      known.set(employeeId, asked)
      try {
        return await asked
      } catch (error) {
        if (known.get(employeeId) === asked) known.delete(employeeId) // the next attempt asks again
        throw error
      }
    }
  }

  async #ask(name: string, call: () => Promise<string>, signal: AbortSignal): Promise<string> {
    const late = () => new CallTimeoutError(`\`${name}\``, this.#limits.timeoutMs)
    return checkZone(name, await withDeadline(call, { ...this.#limits, signal, late }))
  }
}

/** The zone of an employee. */
export type EmployeeZones = (employeeId: string) => Promise<string>

function checkZone(name: string, zone: unknown): string {
  if (isZone(zone)) return zone
  throw new InvalidOptionsError(expected(name, 'an IANA time zone such as "Europe/Berlin"', zone))
}
