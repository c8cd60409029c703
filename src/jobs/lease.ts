import type { JobRecord } from './job-record.ts'

/** The right to work on a job. Whoever claims the job next gets a higher token, and every write under a lower one is refused. */
export interface Lease {
  /** The job that it is for. */
  readonly jobId: string
  /** Random, of the claim that gave it: how a claim whose answer was lost knows its own work from another's. */
  readonly claimId: string
  /** The fencing token: 1, 2, 3… within the job. */
  readonly token: number
}

/** What is known after a lease was renewed. */
export interface Renewal {
  /** Somebody wants the job to end. */
  readonly cancel: JobRecord['cancel']
  /** Somebody wants it to pause. */
  readonly pause: boolean
}
