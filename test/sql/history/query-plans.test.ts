import { CompiledQuery, type Kysely, sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { sqlBackend } from '../../../src/sql/index.ts'
import { engines } from '../support/engines.ts'
import { type Statement, spy } from '../support/statement-spy.ts'

const DAYS = { from: '2025-03-01', to: '2025-03-31' } as const

describe.each(engines)('on $name', ({ name, open }) => {
  let kysely: Kysely<never>
  const seen: Statement[] = []

  beforeAll(async () => {
    kysely = (await open()).connect()
  })

  test('every statement that looks for history finds its rows by the index that is meant for it', async () => {
    const backend = sqlBackend(kysely, { history: true })
    await backend.migrate()
    const history = backend.history!
    for (let run = 0; run < 1_000; run++) {
      const changes = Array.from({ length: 4 }, (_, i) => ({
        ...{ stage: 's', employeeId: `e${(4 * run + i) % 400}`, date: '2025-03-01', through: '2025-03-01' },
        ...{ before: null, isBeforeKnown: true, after: run },
      }))
      const about = {
        tenantId: 't',
        at: run,
        run: { id: `run ${run}`, kind: 'day', jobId: null, reason: null, actor: null },
      }
      await backend.unitOfWork.run((tx) => history.append(tx, { ...about, changes } as never))
    }
    if (name === 'PostgreSQL') await sql`analyze recalc_history`.execute(kysely)
    else if (name !== 'SQLite') await sql`analyze table recalc_history`.execute(kysely)

    const spied = sqlBackend(spy(kysely, seen), { history: true })
    const page = { tenantId: 't', limit: 10 }
    const [last] = await spied.history!.list({ ...page, of: { employeeId: 'e1', ...DAYS }, after: null } as never)
    await spied.history!.list({ ...page, of: { employeeId: 'e1', ...DAYS }, after: last!.id } as never)
    await spied.history!.list({ ...page, of: { runId: 'run 3' }, after: null })
    await spied.history!.list({ ...page, of: { runId: 'run 3' }, after: last!.id })
    await spied.purgeHistory({ before: new Date(0) })
    await spied.purgeHistory({ before: new Date(500), employee: { tenantId: 't', employeeId: 'nobody' } })
    const expected = ['employee', 'employee', 'run', 'run', 'kept', 'employee']
    expect(await Promise.all(seen.map(indexOf))).toEqual(expected.map((own) => `recalc_history_${own}`))
  })

  /** The index by which a statement looks for its rows. */
  async function indexOf({ text, parameters }: Statement): Promise<unknown> {
    const explain = name === 'SQLite' ? 'explain query plan' : 'explain'
    const query = CompiledQuery.raw(`${explain} ${text}`, [...parameters])
    const { rows } = await kysely.executeQuery<Record<string, unknown>>(query)
    const found = rows.map((row) => String(row.key ?? row.detail ?? row['QUERY PLAN'])).join('\n')
    return /recalc_history_[a-z]+/.exec(found)?.[0] ?? found
  }
})
