import { useMemo, useState } from 'preact/hooks'
import { type FailureGroup, groupsOf } from '../model/failures.ts'
import { formatCount, formatPlural } from '../model/format.ts'
import type { Failure } from '../net/api-types.ts'
import { Button, Notice, Pager, usePages } from './parts.tsx'
import type { JobProps } from './screen.ts'

type FailureProps = JobProps & { reveal(employeeId: string, date: string): void }

const PER_PAGE = 20

/** The failures, those that say the same together; a day leads to its cell in the grid. */
export function FailureList(props: FailureProps) {
  const { app, state, job } = props
  const { items, next, reading, problem } = state.failures
  const groups = useMemo(() => groupsOf(items), [items])
  const pages = usePages(groups.length, PER_PAGE)
  const count = job.error_count
  const part = items.length > 0 && items.length < count ? `; ${formatCount(items.length)} of them are read` : ''
  return (
    <section aria-labelledby="failures-title" class="card" id="failures">
      <div class="row">
        <h3 id="failures-title">Failures</h3>
        <span class="muted grow" id="failures-count">
          {count === 0 ? 'None.' : formatPlural(count, 'failure')}
          {groups.length > 0 && `, ${formatPlural(groups.length, 'message')}${part}`}
        </span>
        {next !== null && !reading && (
          <Button class="quiet small" onClick={() => app.failures.rest()} text="Read all" />
        )}
        {count > 0 && <Button class="quiet small" onClick={() => app.failures.save()} text="Download CSV" />}
      </div>
      <Notice text={problem && `The failures could not be read: ${problem}`} />
      <ol class="groups">
        {groups.slice(pages.from, pages.to).map((group) => (
          <Group key={group.key} {...props} group={group} only={groups.length === 1} />
        ))}
      </ol>
      <Pager label="Pages of messages" {...pages} />
    </section>
  )
}

function Group({ group, only, watched, job, reveal }: FailureProps & { group: FailureGroup; only: boolean }) {
  const { failures, message, code, stage } = group
  const [open, setOpen] = useState(only)
  const pages = usePages(failures.length, PER_PAGE)
  return (
    <li>
      <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <strong>{formatCount(failures.length)} ×</strong>
          <span class="message">{message}</span>
          <code class="muted">{code}</code>
          <span class="muted">{job.stages.find(({ name }) => name === stage)?.title ?? stage}</span>
        </summary>
        {open && (
          <div>
            <table>
              <thead>
                <tr>
                  <th scope="col">Employee</th>
                  <th scope="col">Day</th>
                  <th scope="col">Message</th>
                  <th scope="col" class="nowrap">
                    Tries
                  </th>
                </tr>
              </thead>
              <tbody>
                {failures.slice(pages.from, pages.to).map((failure) => (
                  <Row key={failure.number} failure={failure} names={watched.names} reveal={reveal} />
                ))}
              </tbody>
            </table>
            <Pager label="Pages of failures" {...pages} />
          </div>
        )}
      </details>
    </li>
  )
}

type RowProps = Pick<FailureProps, 'reveal'> & { failure: Failure; names: ReadonlyMap<string, string> }

function Row({ failure: { employee_id: id, date, message, attempts }, names, reveal }: RowProps) {
  return (
    <tr>
      <td>
        {names.get(id ?? '')} <span class="muted">{id ?? 'Everybody'}</span>
      </td>
      <td class="nowrap">
        {id !== null && date !== null ? (
          <Button
            class="link"
            aria-label={`${date}, show ${id} in the grid`}
            onClick={() => reveal(id, date)}
            text={date}
          />
        ) : (
          '–'
        )}
      </td>
      <td class="message">{message}</td>
      <td class="nowrap">{formatPlural(attempts, 'try', 'tries')}</td>
    </tr>
  )
}
