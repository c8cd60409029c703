import { type Employee, memoryBackend, RecalcService } from 'recalc-service'
import type { JobWithPlan } from 'recalc-service/backend'
import { createRecalcApi, type RecalcApi } from 'recalc-service/http'
import { expect, onTestFinished } from 'vitest'
import { ALL, authorize } from '../../support/api-under-test.ts'
import { SchemaChecks } from '../../support/schema-checks.ts'
import { BASE } from '../../support/server.ts'
import { expectAskedFor, type Register, registeredBackend, stages } from './asked-for.ts'
import { type HostileRequest, JOBS } from './hostile-request.ts'

/** An answer as it came out. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** What no answer may hold: where the code lies, and how JavaScript tells of a stack. */
const INSIDE = /node_modules|\.[cm]?[jt]s:\d+|\bat \w+ \(|\/src\/http\/|Invalid URL|Cannot read prop/

const silent = () => {}
const staff: readonly Employee[] = [{ id: 'e1' }, { id: 'e2' }]

/** An API with a few jobs behind it, and the law that every answer of it is held against. */
export class AttackedApi {
  readonly api: RecalcApi
  readonly logged: unknown[] = []
  readonly #register: Register
  readonly #checks: SchemaChecks
  readonly #jobIds: readonly string[]
  #known: number

  private constructor(api: RecalcApi, logged: unknown[], register: Register, checks: SchemaChecks, jobIds: string[]) {
    this.api = api
    this.logged = logged
    this.#register = register
    this.#checks = checks
    this.#jobIds = jobIds
    this.#known = register.made.length
  }

  static async open(): Promise<AttackedApi> {
    const register = registeredBackend(memoryBackend({ maxJobs: 1_000_000 }))
    const service = new RecalcService<undefined>({
      stages,
      employees: {
        listEmployees: async ({ after }) => staff.filter(({ id }) => after === undefined || id > after),
        countEmployees: async () => staff.length,
      },
      backend: register.backend,
      exclusive: 'none',
      maxDays: 60,
    })
    onTestFinished(() => service.stop())
    const logged: unknown[] = []
    const error = (fields: object) => void logged.push((fields as { readonly err?: unknown }).err)
    const logger = { debug: silent, info: silent, warn: silent, error }
    const api = createRecalcApi(service, { authorize, cooldownMs: 0, logger })
    const document = await (await api.fetch(new Request(`http://localhost${BASE}/openapi.json`))).text()
    const range = { from: ALL.start_date, to: ALL.end_date }
    const jobs = [
      await service.triggerRecalcAllAsync({ tenantId: 'acme', ...range }),
      await service.triggerRecalcBatchAsync({ tenantId: 'acme', employeeIds: [], ...range }),
      await service.triggerRecalcAllAsync({ tenantId: 'globex', ...range }),
    ]
    await Promise.all(jobs.map(({ result }) => result))
    const jobIds = [...jobs.map(({ id }) => id), 'no-such-job']
    return new AttackedApi(api, logged, register, SchemaChecks.of(document), jobIds)
  }

  /** How many jobs there are besides those that were there from the start. */
  get started(): number {
    return this.#register.made.length - this.#jobIds.length + 1
  }

  /** The jobs that came to be since this was last asked. */
  takeStarted(): readonly JobWithPlan[] {
    const made = this.#register.made.slice(this.#known)
    this.#known += made.length
    return made
  }

  /** The request with the ids of jobs that there are. */
  aimed(request: HostileRequest): HostileRequest {
    const path = JOBS.reduce((text, name, i) => text.replaceAll(name, this.#jobIds[i] ?? ''), request.path)
    return { ...request, path }
  }

  /** Throws unless the answer is one that such a request may get, and nothing else has come of it. */
  judge({ method, path, headers, body }: HostileRequest, { status, headers: answered, text }: Answered): void {
    expect(status).toBeGreaterThanOrEqual(200)
    expect(status).toBeLessThan(500)
    expect(text).not.toMatch(INSIDE)
    expect(answered.get('x-content-type-options')).toBe('nosniff')
    expect(answered.get('cache-control')).toMatch(/^no-store/)
    expect(answered.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(answered.get('access-control-allow-origin')).toBeNull()
    if (answered.get('content-type')?.startsWith('text/html')) {
      expect(answered.get('content-security-policy')).toContain("default-src 'none'")
    }
    const upper = ['get', 'head', 'post', 'put', 'delete', 'options'].includes(method.toLowerCase())
      ? method.toUpperCase()
      : method
    const { pathname } = new URL(`http://localhost${path}`)
    if (upper !== 'HEAD' && upper !== 'OPTIONS') {
      this.#checks.check(upper, decoded(pathname), { status, contentType: answered.get('content-type'), text })
    }
    const made = this.takeStarted()
    if (status !== 201) {
      expect(made).toEqual([])
      return
    }
    expect(upper).toBe('POST')
    const { job_id: jobId } = JSON.parse(text) as { readonly job_id: string }
    const job = made[0] ?? this.#register.made.find(({ id }) => id === jobId)
    expect(made.length).toBeLessThanOrEqual(1)
    expect(job?.id).toBe(jobId)
    // One that was there already was asked for under a key.
    if (made.length === 0) expect(headers['Idempotency-Key']).toMatch(/./)
    if (job) expectAskedFor(job, body)
  }
}

/** As far as Hono decodes a path. */
function decoded(pathname: string): string {
  try {
    return decodeURI(pathname)
  } catch {
    return pathname.replace(/(%[0-9a-f]{2})+/gi, (part) => {
      try {
        return decodeURI(part)
      } catch {
        return part
      }
    })
  }
}
