import type { Failure, RecordedFailure } from '../net/api-types.ts'
import { csvOf } from './csv.ts'

/** The failures of a job, as far as they were read: from the first on, by number. */
export interface Failures {
  readonly items: readonly RecordedFailure[]
  /** What leads to further ones; `null`: these are all. */
  readonly next: number | null
  readonly reading: boolean
  readonly problem: string | null
}

export type FailuresAction =
  | { readonly type: 'reading' }
  /** `after`: what the page was asked for with; 0 begins anew. */
  | {
      readonly type: 'read'
      readonly after: number
      readonly items: readonly RecordedFailure[]
      readonly next: number | null
    }
  | { readonly type: 'failed'; readonly problem: string }

export const noFailures: Failures = { items: [], next: null, reading: false, problem: null }

export function reduceFailures(failures: Failures, action: FailuresAction): Failures {
  switch (action.type) {
    case 'reading':
      return { ...failures, reading: true }
    case 'failed':
      return { ...failures, reading: false, problem: action.problem }
    case 'read': {
      const before = failures.items.filter(({ number }) => number <= action.after)
      return { items: [...before, ...action.items], next: action.next, reading: false, problem: null }
    }
  }
}

/** Failures that say the same. */
export interface FailureGroup {
  readonly key: string
  /** What they say, without whom and which day they are about. */
  readonly message: string
  readonly code: string
  readonly stage: string
  readonly failures: readonly Failure[]
}

/** The most frequent first. Messages that differ only in their own employee and date say the same. */
export function groupsOf(failures: readonly Failure[]): readonly FailureGroup[] {
  const groups = Map.groupBy(failures, (failure) =>
    JSON.stringify([failure.stage, failure.code, generalMessage(failure)]),
  )
  return [...groups]
    .map(([key, alike]) => {
      const [stage, code, message] = JSON.parse(key)
      return { key, stage, code, message, failures: alike }
    })
    .sort((a, b) => b.failures.length - a.failures.length)
}

function generalMessage({ message, employee_id: employeeId, date }: Failure): string {
  const dateless = date ? message.replaceAll(date, '‹date›') : message
  // A short id may be a part of any word.
  if (!employeeId) return dateless
  const literal = employeeId.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  return dateless.replace(new RegExp(`(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`, 'gu'), '‹employee›')
}

/** A row for each, with the names that are known. */
export function failuresCsv(failures: readonly Failure[], names: ReadonlyMap<string, string>): string {
  const columns = ['employee_id', 'name', 'date', 'stage', 'code', 'message', 'attempts']
  const rows = failures.map(({ employee_id: id, date, stage, code, message, attempts }) => [
    ...[id, names.get(id ?? '') ?? '', date, stage, code, message, attempts],
  ])
  return csvOf(columns, rows)
}
