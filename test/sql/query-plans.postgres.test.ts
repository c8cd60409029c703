import { CompiledQuery } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { postgresDatabase } from '../support/postgres.ts'
import { AskedQueries, mostRows, type Tables } from './support/asked-queries.ts'

/** A step of a plan, as PostgreSQL tells it. */
interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Plan[]
}

const database = await postgresDatabase()
const queries = new AskedQueries()
const kysely = database.kysely<Tables>({}, { log: queries.log })

beforeAll(() => queries.ask(kysely, (tables) => `vacuum analyze ${tables.join(', ')}`))

test('every query on PostgreSQL reads few rows, however many jobs, lanes, events and failures there are', async () => {
  // PostgreSQL takes no hints. Where a page is ordered by what another index holds, it may walk along that one, in the hope
  // of meeting enough rows soon; here half of all jobs are of the tenant that is asked for, and they are the oldest.
  const asked = queries.all().filter(({ sql }) => !/order by (number|created_at|"?recalc_jobs|"page)/.test(sql))
  expect(asked.length).toBeGreaterThan(30)
  const heavy: unknown[] = []
  for (const { sql, parameters } of asked) {
    const plan = await planOf(sql, parameters)
    const rowsRead = rowsOf(plan)
    if (rowsRead > mostRows(sql, parameters)) heavy.push({ sql, parameters, rowsRead, plan: scansOf(plan) })
  }
  expect(heavy).toEqual([])
})

/** The plan of a query that was run, and taken back. */
async function planOf(sql: string, parameters: readonly unknown[]): Promise<Plan> {
  const undone = new Error('undone')
  let plan: Plan | undefined
  const explain = CompiledQuery.raw(`explain (analyze, timing off, format json) ${sql}`, [...parameters])
  await kysely
    .transaction()
    .execute(async (tx) => {
      const { rows } = await tx.executeQuery<{ 'QUERY PLAN': readonly { readonly Plan: Plan }[] }>(explain)
      plan = rows[0]?.['QUERY PLAN'][0]?.Plan
      throw undone
    })
    .catch((error: unknown) => {
      if (error !== undone) throw error
    })
  return plan!
}

function rowsOf(plan: Plan): number {
  const own = plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0)
  const read = plan['Relation Name'] === undefined ? 0 : own * plan['Actual Loops']
  return (plan.Plans ?? []).reduce((sum, step) => sum + rowsOf(step), read)
}

/** What is read, for whoever has to mend a query. */
function scansOf(plan: Plan): readonly string[] {
  const own =
    plan['Relation Name'] === undefined ? [] : [`${plan['Node Type']} ${plan['Relation Name']} ${rowsOf(plan)}`]
  return [...own, ...(plan.Plans ?? []).flatMap(scansOf)]
}
