import { type CreateTableBuilder, type Kysely, type RawBuilder, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Engine } from '../engines/engine.ts'
import { engineOf } from '../engines/engine-of.ts'
import { recalcDb } from '../tables.ts'
import { refuseForeignTable } from './own-table.ts'

/** What a new table is made of. */
interface NewTable {
  /** Adds the columns. */
  columns(table: CreateTableBuilder<string>, types: ColumnTypes): CreateTableBuilder<string, string>
  /** End of the name → columns. */
  readonly indexes: Readonly<Record<string, readonly string[]>>
}

/** Types of an engine; texts compare byte by byte. */
interface ColumnTypes {
  readonly engine: Engine
  readonly longText: RawBuilder<unknown>
  varchar(length: number): RawBuilder<unknown>
}

/** A migration that makes a table. Not every database takes a cut-short one back, so each statement may meet its own work. */
export function newTable(name: string, { columns, indexes }: NewTable): Migration {
  return {
    async up(host: Kysely<never>) {
      const db = recalcDb(host)
      const { schema } = db
      const engine = engineOf(host)
      const collated = (type: RawBuilder<unknown>) => sql`${type}${engine.textCollation}`
      const types: ColumnTypes = {
        engine,
        longText: collated(engine.longText),
        varchar: (length) => collated(sql`varchar(${sql.lit(length)})`),
      }
      const table = columns(schema.createTable(name).ifNotExists(), types)
      const names = table.toOperationNode().columns.map(({ column }) => column.column.name)
      await refuseForeignTable(db, engine, name, names)
      await table.modifyEnd(engine.tableOptions).execute()
      for (const [end, indexed] of Object.entries(indexes)) {
        await engine.createIndex(
          schema
            .createIndex(`${name}_${end}`)
            .on(name)
            .columns([...indexed]),
        )
      }
    },
    async down(host: Kysely<never>) {
      await recalcDb(host).schema.dropTable(name).ifExists().execute()
    },
  }
}
