import { expect } from 'vitest'
import type { IsoDate, JobHandle, JobSnapshot } from '../../src/index.ts'
import { expectSoundCounters } from '../support/orderly-events.ts'
import { TENANT } from '../support/service.ts'
import { settled } from '../support/settled.ts'
import { checkEnd } from './check-end.ts'
import { type MortalProcess, startProcess } from './mortal-process.ts'
import { FROM, Office } from './office.ts'
import { carries } from './pipeline.ts'
import { type Mishap, randomTrouble } from './trouble.ts'

const MOST_DISTURBED_RUNS = 5

/** What happened in a round, for the one who looks at many. */
export interface Outcome {
  readonly runs: number
  readonly events: number
  readonly refused: number
  readonly mishaps: readonly Mishap[]
}

/** Plays one job from its beginning to `completed`, with everything that may go wrong on the way; throws when a promise is broken. */
export async function playRound(seed: number): Promise<Outcome> {
  return await new Round(seed).play()
}

class Round {
  readonly #office: Office
  readonly #mishaps: Mishap[] = []
  readonly #processes: MortalProcess[] = []
  #jobId: string | undefined
  #refused = 0
  /** Somebody was told that the job ends as cancelled, and so it must, whatever else befalls it. */
  #isCancelPromised = false
  #last: JobSnapshot | undefined

  constructor(seed: number) {
    this.#office = new Office(seed)
  }

  async play(): Promise<Outcome> {
    for (let run = 0; ; run++) {
      const isDisturbed = run < MOST_DISTURBED_RUNS && this.#office.random.chance(run === 0 ? 0.9 : 0.7)
      await this.#run(isDisturbed)
      const job = await this.#observe()
      if (job?.status === 'completed') break
      expect(run, `the job is ${job?.status} after so many runs, ${JSON.stringify(job?.result)}`).toBeLessThan(
        MOST_DISTURBED_RUNS + 4,
      )
      await this.#betweenRuns()
    }
    const job = this.#last as JobSnapshot
    const events = await checkEnd(this.#office, job, !this.#mishaps.includes('trigger'))
    return { runs: job.runs, events, refused: this.#refused, mishaps: this.#mishaps }
  }

  /** One run of the job, with whoever else comes to work on it, until nobody does any more. */
  async #run(isDisturbed: boolean): Promise<void> {
    const first = this.#start(isDisturbed)
    const handle = await Promise.race([this.#open(first).catch(passing), first.died])
    if (handle) {
      this.#jobId ??= handle.id
      await Promise.race([handle.result.catch(passing), first.died])
    }
    while (this.#processes.length > 0) {
      const next = this.#processes.shift()
      if (!next) break
      if (next !== first && this.#jobId) {
        const job = await next.service.openJob(this.#jobId).catch(passing)
        // Whoever died while it held the job is not waited for: nobody else is there to take it over.
        await Promise.race([job?.result.catch(passing), next.died, settledOften()])
      }
      await Promise.race([next.service.stop(), next.died])
    }
    await settled()
  }

  #start(isDisturbed: boolean): MortalProcess {
    const { random, pipeline, days } = this.#office
    const canTrigger = !carries(pipeline) && pipeline.summed.length === 0
    const trouble = isDisturbed ? randomTrouble(random, days, canTrigger) : undefined
    const started = startProcess(this.#office, trouble, (kind, to) => this.#happen(kind, to))
    this.#processes.push(started)
    return started
  }

  async #open({ service }: MortalProcess): Promise<JobHandle> {
    if (this.#jobId) return await service.resumeJob(this.#jobId)
    const { random, pipeline, employees, dates } = this.#office
    const request = { tenantId: TENANT, from: FROM, to: dates.at(-1) as IsoDate }
    const onError = random.chance(0.2) ? 'fail-fast' : 'continue'
    const options = { clearExisting: pipeline.clearExisting, onError } as const
    if (random.chance(0.5)) return await service.triggerRecalcAllAsync(request, options)
    return await service.triggerRecalcBatchAsync({ ...request, employeeIds: employees }, options)
  }

  async #betweenRuns(): Promise<void> {
    const { random, closings } = this.#office
    this.#office.expireLeases()
    if (random.chance(0.5)) closings.move()
    if (!this.#jobId || !random.chance(0.3)) return
    const other = this.#office.serviceOfOtherStages()
    if (!other) return
    await expect(other.resumeJob(this.#jobId)).rejects.toMatchObject({ code: 'NOT_RESUMABLE' })
    this.#refused += 1
    const before = (await this.#observe())?.status
    await other.start()
    await settled()
    const after = (await this.#observe())?.status
    // Whoever does not have the stages can still end it as it must end.
    const isDead = before === 'running' || before === 'queued'
    expect(isDead ? ['interrupted', 'cancelled'] : [before, 'cancelled']).toContain(after)
    await other.stop()
  }

  #happen(kind: Mishap, to: MortalProcess): void {
    const jobId = this.#jobId
    this.#mishaps.push(kind)
    if (kind === 'cancel' && jobId) {
      to.service.cancelJob(jobId, 'not wanted').then((isPromised) => {
        this.#isCancelPromised ||= isPromised
      }, passing)
    } else if (kind === 'stop') void to.service.stop()
    else if (kind === 'give up') void to.service.stop({ timeoutMs: 0 })
    else if (kind === 'crash') to.kill()
    else if (kind === 'closings') this.#office.closings.move()
    else if (kind === 'takeover') this.#takeOver()
    else if (kind === 'trigger') this.#trigger(to)
  }

  #trigger({ service }: MortalProcess): void {
    const { random, pipeline, employees, dates } = this.#office
    const day = { tenantId: TENANT, employeeId: random.pick(employees), date: random.pick(dates) }
    const options = { clearExisting: pipeline.clearExisting }
    // Not within the calculation at whose moment it happens.
    setImmediate(() => void service.triggerRecalc(day, options).catch(passing))
  }

  /** The first process is thought dead although it lives: its lease has run out, and another one takes the job up. */
  #takeOver(): void {
    this.#office.expireLeases()
    setImmediate(() => {
      const { service } = this.#start(false)
      service.start().catch(passing)
    })
  }

  /** The job as it stands, which never goes back. */
  async #observe(): Promise<JobSnapshot | undefined> {
    if (!this.#jobId) {
      // The process died before it could tell the id.
      this.#jobId = (await this.#office.jobs.list({}))[0]?.id
      if (!this.#jobId) return undefined
    }
    const observer = this.#office.observer()
    const job = await observer.getJob(this.#jobId)
    await observer.stop()
    expectSoundCounters(job)
    for (const name of ['processedDays', 'skippedDays', 'unchangedDays'] as const) {
      expect(job[name], name).toBeGreaterThanOrEqual(this.#last?.[name] ?? 0)
    }
    this.#last = job
    if (job.status === 'cancelled') this.#isCancelPromised = false
    if (this.#isCancelPromised) expect(['queued', 'running', 'interrupted']).toContain(job.status)
    return job
  }
}

function passing(): undefined {
  return undefined
}

async function settledOften(): Promise<undefined> {
  for (let turn = 0; turn < 20; turn++) await settled()
  return undefined
}
