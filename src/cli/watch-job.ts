import type { JobHandle } from '../jobs/job-handle.ts'
import type { JobSnapshot } from '../jobs/job-snapshot.ts'
import type { RecalcFailure } from '../run/failure.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import type { Output } from './output.ts'
import { printable } from './printable.ts'
import { ProgressBar } from './progress-bar.ts'

/** Shows a job's progress and failures until its run ends or `signal` aborts; resolves with the exit code. */
export async function watchJob(
  job: JobHandle,
  { output, signal, after }: { readonly output: Output; readonly signal: AbortSignal; readonly after: number },
): Promise<number> {
  const bar = new ProgressBar(output.out)
  let isDrawn = false
  for await (const event of job.events({ after, signal })) {
    if (output.isJson) output.json(event)
    else if (event.type === 'progress') {
      bar.show(event)
      isDrawn = true
    } else if (event.type === 'failure') {
      if (isDrawn) bar.end()
      output.err.write(`${printable(failureText(event))}\n`)
    }
  }
  if (isDrawn) bar.end()
  const snapshot = await job.snapshot()
  if (snapshot.finishedAt === null) return EXIT.cancelled // the watching was ended, not the job
  output.say(endText(snapshot))
  return snapshot.result ? exitCodeOf(snapshot.result.status) : EXIT.failed
}

/** One failure in a line. */
export function failureText({ employeeId, date, stage, message }: RecalcFailure): string {
  const day = employeeId === null ? '' : `${employeeId} on ${date}, `
  return `failed: ${day}${stage}: ${message}`
}

function endText({ id, status, processedDays, totalDays, failedDays, error, cancelReason }: JobSnapshot): string {
  const failed = failedDays > 0 ? `, ${failedDays} failed` : ''
  const why = error?.message ?? (status === 'cancelled' ? cancelReason : null)
  return `job ${id}: ${status}, ${processedDays} of ${totalDays} days${failed}${why === null ? '' : `: ${why}`}`
}
