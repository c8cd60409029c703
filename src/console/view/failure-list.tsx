import { useMemo } from 'preact/hooks'
import { groupsOf } from '../model/failures.ts'
import { formatCount, formatPlural } from '../model/format.ts'
import { FailureGroups } from './failure-groups.tsx'
import { Button, Notice } from './parts.tsx'
import type { JobProps } from './screen.ts'

type FailureProps = JobProps & { reveal(employeeId: string, date: string): void }

/** What failed of a job; a day leads to its cell in the grid. */
export function FailureList({ app, state, watched, job, reveal }: FailureProps) {
  const { items, next, reading, problem } = state.failures
  const messages = useMemo(() => groupsOf(items).length, [items])
  const count = job.error_count
  const part = items.length > 0 && items.length < count ? `; ${formatCount(items.length)} of them are read` : ''
  return (
    <section aria-labelledby="failures-title" class="card" id="failures">
      <div class="row">
        <h3 id="failures-title">Failures</h3>
        <span class="muted grow" id="failures-count">
          {count === 0 ? 'None.' : formatPlural(count, 'failure')}
          {messages > 0 && `, ${formatPlural(messages, 'message')}${part}`}
        </span>
        {next !== null && !reading && (
          <Button class="quiet small" onClick={() => app.failures.rest()} text="Read all" />
        )}
        {count > 0 && <Button class="quiet small" onClick={() => app.failures.save()} text="Download CSV" />}
      </div>
      <Notice text={problem && `The failures could not be read: ${problem}`} />
      <FailureGroups
        failures={items}
        names={watched.names}
        titleOf={(stage) => job.stages.find(({ name }) => name === stage)?.title}
        reveal={reveal}
      />
    </section>
  )
}
