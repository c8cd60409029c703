import { CallTimeoutError } from '../../errors.ts'
import { type Attempted, attempt } from './attempts.ts'
import { withDeadline } from './deadline.ts'

/**
 * Reads outside a unit of work, with the same retries. Nobody waits for it any more once the run stops.
 *
 * @throws why the run was stopped, when it was.
 */
export async function readOutside<Tx, T>(run: Attempted<Tx>, call: () => Promise<T>): Promise<T> {
  const { settings, control } = run
  const { clock, callTimeoutMs: timeoutMs } = settings
  const late = () => new CallTimeoutError('the employee repository', timeoutMs)
  const answer = await attempt('employees', run, async () => ({
    value: await withDeadline(call, { clock, timeoutMs, signal: control.stopping, late }),
  }))
  if (!answer) throw control.stopped?.cause
  return answer.value
}
