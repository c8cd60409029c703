import type { Kysely, LogConfig } from 'kysely'
import type { StatementHook } from './crash-database.ts'
import { testDatabase } from './mariadb.ts'
import { postgresDatabase } from './postgres.ts'

/** A database of a test file's own on a server, dropped at the end of the file. */
export interface ServerDatabase {
  readonly url: string
  /** A Kysely with a pool of its own, which is closed at the end of the file. */
  connect<Tables>(options?: {
    /** The most in the pool. Default 10. */
    readonly connections?: number
    readonly log?: LogConfig
    readonly hook?: StatementHook
  }): Kysely<Tables>
}

/** The database servers that many processes share, each with an empty database. */
export const servers: readonly { readonly name: string; open(): Promise<ServerDatabase> }[] = [
  {
    name: 'MariaDB',
    async open() {
      const { url, kysely } = await testDatabase()
      return { url, connect: ({ connections = 10, ...watch } = {}) => kysely({ connectionLimit: connections }, watch) }
    },
  },
  {
    name: 'PostgreSQL',
    async open() {
      const { url, kysely } = await postgresDatabase()
      return { url, connect: ({ connections = 10, ...watch } = {}) => kysely({ max: connections }, watch) }
    },
  },
]
