import { sql } from 'kysely'
import type { MariadbServer } from '../../test/support/mariadb-server.ts'
import { median } from '../measure.ts'
import { type BalanceHost, balanceHost, edit, TENANT, TODAY, tell, timeOf } from './host.ts'

const EDITS = 300
const MANY = 1_000_000

/** One edit, in a small tenant and in a big one, and with few and many changes waiting elsewhere. */
export async function benchCost(server: MariadbServer): Promise<void> {
  console.log('\n(h) the change ledger on MariaDB: what one edit costs')
  const small = await balanceHost(server, 'small')
  const big = await balanceHost(server, 'big')
  const waiting = await balanceHost(server, 'waiting')
  await employees(small, 100)
  await employees(big, MANY)
  await employees(waiting, 100)
  await changesElsewhere(small, 1)
  await changesElsewhere(waiting, MANY)
  const hosts = [small, big, waiting]
  const times = new Map<BalanceHost, number[]>(hosts.map((host) => [host, []]))
  const statements = new Map<BalanceHost, Set<number>>(hosts.map((host) => [host, new Set()]))
  for (let round = -20; round < EDITS; round++) {
    for (const host of hosts) {
      await edit(host, 'e50', [{ day: TODAY, minutes: round }])
      host.count.statements = 0
      const ms = await timeOf(() => host.recalc.settle({ tenantId: TENANT, employeeId: 'e50' }))
      if (round < 0) continue // warming up
      times.get(host)?.push(ms)
      statements.get(host)?.add(host.count.statements)
    }
  }
  const ratio = (host: BalanceHost) =>
    `${(median(times.get(host) ?? []) / median(times.get(small) ?? [])).toFixed(2)} x`
  tell(
    'settling an edit: statements',
    hosts.map((host) => [...(statements.get(host) ?? [])].join('/')).join(', '),
    'equal',
  )
  tell('a tenant of 1,000,000 employees / of 100', ratio(big), 'at most 1.5')
  tell('1,000,000 changes waiting elsewhere / 1', ratio(waiting), 'at most 1.5')
  tell('with 100 employees', `${median(times.get(small) ?? []).toFixed(2)} ms`, '')
  for (const host of hosts) await host.close()
}

async function employees({ db }: BalanceHost, count: number): Promise<void> {
  for (const table of ['hours', 'balances'] as const) {
    await sql`insert into ${sql.table(table)}
      select ${TENANT}, concat('e', seq), ${TODAY}, 1 from seq_1_to_${sql.raw(String(count))}`.execute(db)
  }
}

async function changesElsewhere({ db }: BalanceHost, count: number): Promise<void> {
  const body = sql`concat('{"tenantId":"other","employeeId":"e', seq, '","content":{"table":"hours","from":"2025-03-31","to":"2025-03-31"},"attempts":0,"error":null}')`
  await sql`insert into recalc_changes (state, tenant_hash, employee_hash, noted_at, due_at, body)
    select 0, sha2('other', 256), sha2(seq, 256), 1, 0, ${body} from seq_1_to_${sql.raw(String(count))}`.execute(db)
}
