import { failuresCsv } from '../model/failures.ts'
import { hasEnded } from '../model/job-status.ts'
import type { Action, State } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import type { Api } from '../net/api.ts'
import type { Failure, Job } from '../net/api-types.ts'
import { problemOf } from '../net/problem.ts'
import { saveCsv } from './save-file.ts'

const PAGE = 500

/** So many are read by themselves; the rest when somebody asks for it. */
const BY_ITSELF = 5_000

/** Reads the failures of the job that is looked at: those that are new, and all of them anew once numbers may have gone. */
export class FailureReader {
  readonly #api: Api
  readonly #store: Store<State, Action>
  /** What the job was when its failures were read from the first on. */
  #begunAs = ''
  #reading: AbortController | null = null

  constructor(api: Api, store: Store<State, Action>) {
    this.#api = api
    this.#store = store
  }

  /** Reads what there is to read; resolves when that is done, or cannot be done. */
  async refresh(): Promise<void> {
    const { watched, failures } = this.#store.state
    if (!watched?.job) return
    const anew = this.#begunAs !== ageOf(watched.job) || failures.items.length > watched.job.error_count
    if (anew) {
      this.#reading?.abort()
      this.#begunAs = ageOf(watched.job)
    } else if (this.#reading && !this.#reading.signal.aborted) return
    const first = failures.items.length === 0 && failures.problem === null
    await this.#read(anew ? 0 : (failures.items.at(-1)?.number ?? 0), BY_ITSELF, first)
  }

  /** Reads all that is left. */
  async rest(): Promise<void> {
    this.#reading?.abort()
    await this.#read(this.#store.state.failures.items.at(-1)?.number ?? 0, Number.POSITIVE_INFINITY, true)
  }

  /** Reads all that is left, and gives all of it as a file to save. */
  async save(): Promise<void> {
    const { watched } = this.#store.state
    await this.rest()
    const { watched: now, failures } = this.#store.state
    if (!watched || watched.id !== now?.id || failures.problem !== null || failures.next !== null) return
    saveCsv(`failures-${watched.id}`, failuresCsv(failures.items, now.names))
  }

  /** What failed for one employee, where the grid knows only that something did. */
  async ofEmployee(jobId: string, employeeId: string): Promise<readonly Failure[]> {
    const { errors } = await this.#api.failures(jobId, { employee_id: employeeId, limit: PAGE }, {})
    return errors
  }

  async #read(from: number, most: number, awaited: boolean): Promise<void> {
    const jobId = this.#store.state.watched?.id
    if (jobId === undefined) return
    const reading = new AbortController()
    this.#reading = reading
    const { signal } = reading
    const stale = () => signal.aborted || this.#store.state.watched?.id !== jobId
    let after = from
    let read = 0
    let urgent = awaited
    while (!stale()) {
      this.#store.dispatch({ type: 'failures', jobId, action: { type: 'reading' } })
      try {
        const { errors, next } = await this.#api.failures(
          jobId,
          { after: after || null, limit: PAGE },
          { urgent, signal },
        )
        if (stale()) return
        this.#store.dispatch({ type: 'failures', jobId, action: { type: 'read', after, items: errors, next } })
        read += errors.length
        if (next === null || errors.length === 0 || read >= most) break
        after = next
      } catch (error) {
        if (stale()) return
        const problem = problemOf(error)
        this.#store.dispatch({ type: 'failures', jobId, action: { type: 'failed', problem: problem.message } })
        if (!problem.passing) break
        urgent = false
      }
    }
    if (this.#reading === reading) this.#reading = null
  }
}

/** Failures that were repaired are gone, and while a job runs later ones may come under lower numbers. */
function ageOf({ job_id, runs, status }: Job): string {
  return JSON.stringify([job_id, runs, hasEnded(status)])
}
