import { formatDuration, formatInstant } from '../model/format.ts'
import { hashOf } from '../model/route.ts'
import type { Problem } from '../net/problem.ts'
import { make, setNotice } from './dom.ts'

/** Why a job was not started, with what helps: the job in the way, or when to try again. */
export function showStartProblem(
  notice: HTMLElement,
  problem: Problem,
  others: readonly string[],
  fieldsTellIt: boolean,
): void {
  if (fieldsTellIt && others.length === 0) {
    setNotice(notice, null)
    return
  }
  const sentences = others.length > 0 ? [...others] : [problem.message]
  if (problem.retryAfterSeconds !== null) {
    const at = new Date(Date.now() + problem.retryAfterSeconds * 1_000).toISOString()
    sentences.push(`Try again in ${formatDuration(problem.retryAfterSeconds)}, at ${formatInstant(at).slice(11)}.`)
  }
  setNotice(notice, sentences.map(withPeriod).join(' '))
  const { active_job_id: jobId } = problem.details
  if (typeof jobId !== 'string') return
  const link = make('a', { text: 'Look at the job that is running' })
  link.href = hashOf({ name: 'job', jobId })
  notice.append(' ', link)
}

/** A sentence of the server's, so that another can follow. */
function withPeriod(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`
}
