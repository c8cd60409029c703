/** Rows per statement: some thousand bound values, below every engine's limit (SQLite's is 32,766). */
const PER_STATEMENT = 500

/** The members in groups that one statement may carry. */
export function batches<T>(members: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(members.length / PER_STATEMENT)
  return Array.from({ length: count }, (_, index) => members.slice(index * PER_STATEMENT, (index + 1) * PER_STATEMENT))
}
