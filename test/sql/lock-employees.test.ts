import { type LogEvent, sql, type Transaction } from 'kysely'
import type { RecalcBackend } from 'recalc-service'
import { sqlBackend } from 'recalc-service/sql'
import { beforeAll, describe, expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { seed } from '../support/seed.ts'
import { servers } from '../support/servers.ts'

interface Tables {
  recalc_locks: { lock_hash: string }
}

/** Numbers from 0 up to 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function someOf(ids: readonly string[], random: () => number): readonly string[] {
  const count = 1 + Math.floor(random() * 8)
  const chosen = new Set(Array.from({ length: count }, () => ids[Math.floor(random() * ids.length)] as string))
  return [...chosen].sort()
}

/** How many sets of employees are locked. */
const SETS = runs(300, 3_000)

class RolledBack extends Error {}

describe.each(servers)('lockEmployees on $name', async ({ name, open }) => {
  const database = await open()
  const statements: string[] = []
  const kysely = database.connect<Tables>({
    connections: 8,
    log: ({ query }: LogEvent) => void statements.push(query.sql),
  })
  const others = database.connect<Tables>({ connections: 8 })
  // As in two processes: nothing but the database keeps them apart.
  const backends: readonly RecalcBackend<Transaction<Tables>>[] = [sqlBackend(kysely), sqlBackend(others)]

  beforeAll(() => sqlBackend(kysely).migrate())

  test.each([
    ['employees', 'known', 0],
    ['employees while some units of work roll back', 'known', 0.3],
    ['employees who were never locked before', 'new', 0],
  ])('keeps random overlapping sets of %s apart, without a deadlock', async (_, tenant, undone) => {
    expect(await takeTurns(tenant, undone)).toEqual([])
  })

  // InnoDB leaves locks on the gap where a row was that never came to be.
  test('may deadlock when employees who were never locked before are rolled back, which is transient', async () => {
    for (const error of await takeTurns('undone', 0.3)) expect(backends[0]!.unitOfWork.isTransient(error)).toBe(true)
  })

  async function takeTurns(tenant: string, undone: number): Promise<readonly unknown[]> {
    const random = randomFrom(seed)
    const errors: unknown[] = []
    const ids = Array.from({ length: 40 }, (_, i) => `employee ${i}`)
    if (tenant === 'known') await lock(backends[0]!, tenant, ids, async () => {})
    const holders = new Map<string, number>()
    let taken = 0
    const work = async (worker: number) => {
      const { unitOfWork } = backends[worker % backends.length]!
      while (taken < SETS) {
        taken += 1
        // Employees who were never locked come up all the time.
        const wave = tenant === 'known' ? '' : ` of ${Math.floor(taken / 50)}`
        const chosen = someOf(ids, random).map((id) => `${id}${wave}`)
        const rollBack = random() < undone
        await unitOfWork
          .run(async (tx) => {
            await unitOfWork.lockEmployees(tx, tenant, chosen)
            for (const id of chosen) {
              expect(holders.get(id), `${id} is locked by two`).toBeUndefined()
              holders.set(id, worker)
            }
            await tx.selectFrom('recalc_locks').select('lock_hash').limit(1).execute()
            for (const id of chosen) holders.delete(id)
            if (rollBack) throw new RolledBack()
          })
          .catch((error: unknown) => {
            if (!(error instanceof RolledBack)) errors.push(error)
          })
      }
    }
    await Promise.all(Array.from({ length: 12 }, (_, worker) => work(worker)))
    return errors
  }

  test('locks nobody when there is nobody to lock', async () => {
    await lock(backends[0]!, 'tenant', [], async () => {})
  })

  test('locks 20,000 employees at once, in statements that a server with a packet of 1 MB takes', async () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => `e${i}`)
    await lock(backends[0]!, 'big', ids, async () => {})
  })

  test('holds nothing that belongs to the session instead of the transaction', async () => {
    statements.length = 0
    await lock(backends[0]!, 'tenant', ['anna'], async () => {})
    expect(statements.join(';')).toContain('recalc_locks')
    expect(statements.filter((statement) => /get_lock|lock tables/i.test(statement))).toEqual([])
  })

  test.runIf(name === 'PostgreSQL')('leaves no dead version of a row behind', async () => {
    await lock(backends[0]!, 'tenant', ['anna'], async () => {})
    const versions = () => sql`select ctid from recalc_locks order by lock_hash`.execute(kysely)
    const before = await versions()
    await lock(backends[0]!, 'tenant', ['anna'], async () => {})
    expect(await versions()).toEqual(before)
  })

  test('leaves other rows alone when the table holds few', async () => {
    await kysely.deleteFrom('recalc_locks').execute()
    await lock(backends[0]!, 'tenant', ['anna', 'berta', 'carla', 'dora'], async () => {})
    // Whoever scanned the table would wait for anna.
    await lock(backends[0]!, 'tenant', ['anna'], () =>
      lock(backends[1]!, 'tenant', ['berta', 'carla', 'dora'], async () => {}),
    )
  })
})

async function lock(
  { unitOfWork }: RecalcBackend<Transaction<Tables>>,
  tenantId: string,
  employeeIds: readonly string[],
  meanwhile: () => Promise<void>,
): Promise<void> {
  await unitOfWork.run(async (tx) => {
    await unitOfWork.lockEmployees(tx, tenantId, employeeIds)
    await meanwhile()
  })
}
