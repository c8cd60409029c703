import type { Selectable } from 'kysely'
import type { Tables } from '../../../../examples/productivity/schema/tables.ts'

/** A row as it is read, without the columns that the database fills in by itself. */
export type Row<Table extends keyof Tables> = Omit<Selectable<Tables[Table]>, 'long_window_end'>
