import { type ColumnDataType, type ColumnDefinitionBuilder, type RawBuilder, sql } from 'kysely'
import { type AnyDatabase, engineOf } from './engine.ts'

type Type = ColumnDataType | RawBuilder<unknown>
type Change = (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder

/** What differs between the engines. Decimals and dates have the same names on all of them. */
export interface ColumnTypes {
  readonly instant: Type
  /** Compared byte by byte; on MySQL and MariaDB the table's collation sees to that. */
  text(length: number): Type
  /** A primary key that the database counts, unless it is given. */
  readonly numbered: Change
  /** Holds the end of what lasts longer than so many milliseconds, otherwise NULL. */
  whenLonger(ms: number, start: string, end: string): Change
}

const endIf = (isLonger: RawBuilder<unknown>, end: string) => sql`case when ${isLonger} then ${sql.ref(end)} end`

const types: Readonly<Record<ReturnType<typeof engineOf>, ColumnTypes>> = {
  mysql: {
    instant: sql`datetime(3)`,
    text: (length) => `varchar(${length})`,
    numbered: (id) => id.primaryKey().autoIncrement(),
    whenLonger: (ms, start, end) => (column) =>
      column.generatedAlwaysAs(
        endIf(sql`timestampdiff(microsecond, ${sql.ref(start)}, ${sql.ref(end)}) > ${sql.lit(ms * 1000)}`, end),
      ),
  },
  postgres: {
    instant: sql`timestamptz(3)`,
    text: (length) => sql`varchar(${sql.lit(length)}) collate "C"`,
    numbered: (id) => id.primaryKey().generatedByDefaultAsIdentity(),
    whenLonger: (ms, start, end) => (column) =>
      column
        .generatedAlwaysAs(
          endIf(sql`${sql.ref(end)} - ${sql.ref(start)} > ${sql.lit(`${ms} milliseconds`)}::interval`, end),
        )
        .stored(),
  },
  sqlite: {
    instant: 'bigint',
    text: (length) => `varchar(${length})`,
    numbered: (id) => id.primaryKey().autoIncrement(),
    whenLonger: (ms, start, end) => (column) =>
      column.generatedAlwaysAs(endIf(sql`${sql.ref(end)} - ${sql.ref(start)} > ${sql.lit(ms)}`, end)),
  },
}

export function columnTypes(db: AnyDatabase): ColumnTypes {
  return types[engineOf(db)]
}
