import { type Kysely, sql } from 'kysely'
import { engineOf } from '../engines/engine-of.ts'
import { recalcDb, schemaOf, type TableNames } from '../tables.ts'

/** Lets lanes be claimed one by one. Lanes that are there are nobody's. Cut short anywhere it goes on where it was. */
export async function addLaneClaims(host: Kysely<never>, { lanes }: Pick<TableNames, 'lanes'>): Promise<void> {
  const db = recalcDb(host)
  const engine = engineOf(db)
  const found = await engine.columnsOf(db, lanes, schemaOf(db))
  const isMissing = (column: string) => !found.includes(column)
  const alter = () => db.schema.alterTable(lanes)
  if (isMissing('claim_id')) {
    const type = sql`varchar(36)${engine.textCollation}`
    await alter()
      .addColumn('claim_id', type, (column) => column.notNull().defaultTo(''))
      .execute()
  }
  for (const column of ['claimed_until', 'claims', 'stopping'].filter(isMissing)) {
    await alter()
      .addColumn(column, 'bigint', (definition) => definition.notNull().defaultTo(0))
      .execute()
  }
  if (isMissing('notice')) await alter().addColumn('notice', engine.longText).execute()
}
