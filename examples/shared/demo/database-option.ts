import type { Engine } from '../database/engine.ts'
import { unexpected, urlOption } from './option-values.ts'
import { UsageError } from './usage-error.ts'

/** Where a demo keeps its tables. */
export type DemoDatabase =
  | { readonly kind: 'sqlite'; readonly path: string | undefined }
  | { readonly kind: 'mysql' | 'postgres'; readonly url: string }

/** Each server's protocol, and what some call it. */
const protocols = { mysql: ['mysql:', 'mariadb:'], postgres: ['postgres:', 'postgresql:'] } as const

const examples = { mysql: 'mysql://root@127.0.0.1:3306/office', postgres: 'postgres://postgres@127.0.0.1:5432/office' }

/**
 * The database that `--sqlite`, `--mysql` or `--postgres` names; without any of them SQLite in memory.
 *
 * @throws {UsageError}
 */
export function databaseOption(values: Readonly<Partial<Record<Engine, string>>>): DemoDatabase {
  if (values.sqlite === '') throw unexpected('sqlite', 'a file', values.sqlite)
  const kind = (['mysql', 'postgres'] as const).find((name) => values[name] !== undefined)
  if (kind === undefined) return { kind: 'sqlite', path: values.sqlite }
  const other = (['sqlite', 'mysql', 'postgres'] as const).find((name) => name !== kind && values[name] !== undefined)
  if (other !== undefined) throw new UsageError(`--${other} and --${kind} are two databases; name one`)
  const [protocol, alias] = protocols[kind]
  const url = urlOption(kind, [protocol, alias], values[kind])
  if (url === undefined || new URL(url).pathname.length < 2) {
    throw unexpected(kind, `a URL that ends with a database, such as ${examples[kind]}`, url)
  }
  return { kind, url: url.replace(new RegExp(`^${alias}`), protocol) }
}
