import { useMemo } from 'preact/hooks'
import { groupsOf } from '../model/failures.ts'
import { formatPlural } from '../model/format.ts'
import type { Failure } from '../net/api-types.ts'
import { Groups } from './group.tsx'
import { Button } from './parts.tsx'
import { type Row, Whole } from './table.tsx'

interface FailureGroupsProps {
  readonly failures: readonly Failure[]
  /** What employees and stages are called, as far as that is known. */
  readonly names?: ReadonlyMap<string, string>
  titleOf?(stage: string): string | undefined
  /** Leads to a day. */
  reveal?(employeeId: string, date: string): void
}

/** Failures, those that say the same together. */
export function FailureGroups({ failures, titleOf, ...of }: FailureGroupsProps) {
  const groups = useMemo(() => groupsOf(failures), [failures])
  return (
    <Groups<Failure>
      of="messages"
      groups={groups.map(({ key, message, code, stage, failures: items }) => ({
        key,
        name: 'failures',
        items,
        open: groups.length === 1,
        summary: (
          <>
            <span class="message">{message}</span>
            <code class="muted">{code}</code>
            <span class="muted">{titleOf?.(stage) ?? stage}</span>
          </>
        ),
        heads: ['Employee', 'Day', 'Message', 'Tries'],
        row: (failure) => rowOf(failure, of),
      }))}
    />
  )
}

function rowOf(failure: Failure, { names, reveal }: Pick<FailureGroupsProps, 'names' | 'reveal'>): Row {
  const { employee_id: id, date, message, attempts } = failure
  const cells = [
    [names?.get(id ?? ''), ' ', <span class="muted">{id ?? 'Everybody'}</span>],
    reveal && id !== null && date !== null ? (
      <Button
        class="link"
        aria-label={`${date}, show ${id} in the grid`}
        onClick={() => reveal(id, date)}
        text={date}
      />
    ) : (
      <Whole>{date ?? '–'}</Whole>
    ),
    <span class="message">{message}</span>,
    <Whole>{formatPlural(attempts, 'try', 'tries')}</Whole>,
  ]
  return { key: JSON.stringify(failure), cells }
}
