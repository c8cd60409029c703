import { InvalidOptionsError } from '../../errors.ts'

/**
 * Refuses a pool of mysql2 whose settings change the shape of every row.
 *
 * @param rows What the server has answered to `show variables`.
 * @throws {InvalidOptionsError} naming the setting.
 */
export function checkPool([row]: readonly unknown[]): void {
  const setting = settingBehind(row)
  if (setting === undefined) return
  throw new InvalidOptionsError(
    `Expected \`kysely\` to have a pool that gives rows as objects of columns, got one with \`${setting}\`. ` +
      'Leave that setting out, or give the library a pool of its own',
  )
}

function settingBehind(row: unknown): string | undefined {
  if (typeof row !== 'object' || row === null) return undefined // a server that lists nothing says nothing of its pool
  if (Array.isArray(row)) return 'rowsAsArray'
  if (!('Variable_name' in row)) return 'nestTables'
  return row.Variable_name instanceof Uint8Array ? 'typeCast' : undefined
}
