import { Command, Option } from 'commander'
import type { JobHandle } from '../jobs/job-handle.ts'
import type { OnError } from '../run/plan/run-plan.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-code.ts'
import { requestOf, type Selection, selecting } from './selection.ts'
import { watchJob } from './watch-job.ts'

interface StartOptions extends Selection {
  readonly clearExisting: boolean
  readonly onError?: OnError
  readonly reason?: string
  readonly actor?: string
  readonly key?: string
  readonly queue?: true
}

/** Commands that make a job, or take one up, and follow it. */
export function startCommands({ recalc, output, signal, exitWith }: CommandContext): readonly Command[] {
  const follow = async (handle: JobHandle, after: number) => {
    // Ctrl-C: blocks in flight commit, and the job is left to whoever takes it up.
    signal.addEventListener('abort', () => void recalc.stop(), { once: true })
    if (signal.aborted) void recalc.stop()
    const code = await watchJob(handle, { output: output(), signal: NEVER, after })
    if (signal.aborted) output().say(`Take it up with: resume ${handle.id}`)
    exitWith(signal.aborted ? EXIT.cancelled : code)
  }

  const start = selecting(new Command('start'))
    .description('recalculate as a job, and follow it; Ctrl-C interrupts it')
    .option('--no-clear-existing', 'keep rows that no source supports any more')
    .addOption(new Option('--on-error <what>', 'what to do after a failed day').choices(['continue', 'fail-fast']))
    .option('--reason <text>', 'kept with the job')
    .option('--actor <name>', 'who asks; kept with the job')
    .option('--key <text>', 'idempotency key: the same command again follows the first one’s job')
    .option('--queue', QUEUE)
    .action(async (given: StartOptions) => {
      const { clearExisting, onError, reason, actor, key: idempotencyKey, table: tables } = given
      const options = {
        clearExisting,
        ...(tables && { tables }),
        ...(onError && { onError }),
        ...(reason !== undefined && { reason }),
        ...(actor !== undefined && { actor }),
        ...(given.queue && { whenBusy: 'queue' as const }),
        ...(idempotencyKey !== undefined && { idempotencyKey }),
      }
      const request = requestOf(given)
      const handle = await ('date' in request
        ? recalc.triggerRecalcAsync(request, options)
        : 'employeeId' in request
          ? recalc.triggerRecalcRangeAsync(request, options)
          : 'employeeIds' in request
            ? recalc.triggerRecalcBatchAsync(request, options)
            : recalc.triggerRecalcAllAsync(request, options))
      output().say(`job ${handle.id}`)
      await follow(handle, 0)
    })

  const resume = new Command('resume')
    .description('take up a job that ended other than completed, and follow it; Ctrl-C interrupts it')
    .argument('<id>')
    .option('--queue', QUEUE)
    .action(async (id: string, { queue }: { queue?: true }) => {
      const { lastSeq } = await recalc.getJob(id)
      await follow(await recalc.resumeJob(id, queue ? { whenBusy: 'queue' } : {}), lastSeq)
    })

  const estimate = selecting(new Command('estimate'))
    .description('how many days a job would have, and how long it may take')
    .action(async (given: Selection) => {
      const found = await recalc.estimate(requestOf(given), given.table && { tables: given.table })
      const { employees, totalDays, estimatedDurationMs: ms } = found
      const time = ms === null ? 'unknown: no job has ended yet' : `${(ms / 1_000).toFixed(1)} s`
      output().record(found, { employees, days: totalDays, time })
    })

  return [start, resume, estimate]
}

const QUEUE = 'wait for its turn while another job is in the way, instead of being refused'

const NEVER = new AbortController().signal
