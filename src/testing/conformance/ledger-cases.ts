import assert from 'node:assert/strict'
import type { ChangeContent, ChangeLedger, NewChange } from '../../changes/change-ledger.ts'
import type { RecalcBackend } from '../../jobs/job-store.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { HOSTILE_STRINGS } from './hostile-strings.ts'

const EVERY_STATE = ['waiting', 'failing', 'held'] as const

type LedgerBackend<Tx> = RecalcBackend<Tx> & { readonly changes: ChangeLedger<Tx> }

function hasLedger<Tx>(backend: RecalcBackend<Tx>): backend is LedgerBackend<Tx> {
  return backend.changes !== undefined
}

interface LedgerCase {
  readonly name: string
  run<Tx>(context: { readonly backend: LedgerBackend<Tx> }): Promise<void>
}

const cases: readonly LedgerCase[] = [
  {
    name: 'a change that was noted is there as it was, whatever its ids, its content and its error',
    async run({ backend }) {
      for (const [i, id] of HOSTILE_STRINGS.entries()) {
        const noted = change(id, id, { content: { table: id, at: [i, -1, 253_402_300_799_999] } })
        const failing = change(id, id, {
          state: 'failing',
          attempts: 3,
          error: { code: 'E', message: id },
          dueAt: 7,
          notedAt: i,
        })
        await note(backend, noted, failing)
        const listed = await backend.changes.list({ tenantId: id, after: 0, limit: 10 })
        assert.deepEqual(listed.map(withoutId), [noted, failing])
        assert.deepEqual(await read(backend, id, [id]), listed)
      }
    },
  },
  {
    name: 'changes are read by tenant, employee and state; look-alikes are not confused',
    async run({ backend }) {
      const lanes: readonly (readonly [string, string | null])[] = [
        ['acme', 'ann'],
        ['acme', 'Ann'],
        ['acme', 'ann '],
        ['acme', null],
        ['Acme', 'ann'],
        ['acmea', 'nn'],
      ]
      await note(backend, ...lanes.map(([tenantId, employeeId]) => change(tenantId, employeeId)))
      for (const [tenantId, employeeId] of lanes) {
        const found = await read(backend, tenantId, [employeeId])
        assert.deepEqual(
          found.map((one) => [one.tenantId, one.employeeId]),
          [[tenantId, employeeId]],
        )
      }
      assert.equal((await read(backend, 'acme', ['ann', 'Ann', null, 'nobody'])).length, 3)
      assert.deepEqual(await read(backend, 'acme', []), [])
    },
  },
  {
    name: 'an update removes exactly what it names, and adds the rest; what was noted meanwhile stays',
    async run({ backend }) {
      await note(backend, change('acme', 'ann', { content: { days: [1, 2] } }))
      const [old] = await read(backend, 'acme', ['ann'])
      await note(backend, change('acme', 'ann', { content: { days: [1, 2] } }))
      const left = change('acme', 'ann', { content: { days: [2, 2], from: 'balance' } })
      await update(backend, [old?.id ?? 0, 999_999_999], [left])
      const found = await read(backend, 'acme', ['ann'])
      assert.deepEqual(
        new Set(found.map(({ content }) => JSON.stringify(content))),
        new Set(['{"days":[1,2]}', JSON.stringify(left.content)]),
      )
    },
  },
  {
    name: 'an update of a unit of work that is rolled back has no effect',
    async run({ backend }) {
      await note(backend, change('acme', 'ann'))
      const before = await read(backend, 'acme', ['ann'])
      const work = backend.unitOfWork.run(async (tx) => {
        await backend.changes.update(tx, { remove: before.map(({ id }) => id), add: [change('acme', 'bob')] })
        throw new Error('no')
      })
      await assert.rejects(work)
      assert.deepEqual(await read(backend, 'acme', ['ann', 'bob']), before)
    },
  },
  {
    name: 'tenants with waiting changes are found one behind the other, each once',
    async run({ backend }) {
      const { changes } = backend
      const parked = { state: 'held', dueAt: 9 } as const
      await note(backend, ...HOSTILE_STRINGS.map((id) => change(id, 'ann')), change('parked', 'ann', parked))
      const found: string[] = []
      for (let next = await changes.nextTenant(null); next; next = await changes.nextTenant(next.place))
        found.push(next.tenantId)
      assert.deepEqual(found.toSorted(), [...HOSTILE_STRINGS].sort())
    },
  },
  {
    name: 'the waiting changes of a tenant come lane by lane, page by page, none twice',
    async run({ backend }) {
      const { changes } = backend
      const ids = Array.from({ length: 7 }, (_, i) => `e${i}`)
      await note(
        backend,
        ...ids.flatMap((id) => [1, 2].map((day) => change('acme', id, { content: { days: [day, day] } }))),
      )
      await note(
        backend,
        change('acme', null),
        change('acme', 'e0', { state: 'failing', dueAt: 5 }),
        change('other', 'x'),
      )
      const found: (string | null)[] = []
      let after: { readonly tenantId: string; readonly employeeId: string | null } | null = null
      for (;;) {
        const page: readonly NewChange[] = await changes.waiting('acme', { after, limit: 4 })
        const last = page.at(-1)
        if (!last) break
        found.push(...new Set(page.map(({ employeeId }) => employeeId)))
        after = last
      }
      assert.deepEqual(new Set(found), new Set([null, ...ids]))
      assert.equal(found.length, 8)
    },
  },
  {
    name: 'the held changes of a tenant come lane by lane, page by page, and no others',
    async run({ backend }) {
      const { changes } = backend
      const ids = Array.from({ length: 5 }, (_, i) => `e${i}`)
      await note(
        backend,
        ...ids.map((id) => change('acme', id, { state: 'held', dueAt: 5 })),
        change('acme', 'waits'),
        change('acme', 'fails', { state: 'failing', dueAt: 5 }),
        change('other', 'x', { state: 'held', dueAt: 5 }),
      )
      const found: (string | null)[] = []
      let after: { readonly tenantId: string; readonly employeeId: string | null } | null = null
      for (;;) {
        const page: readonly NewChange[] = await changes.waiting('acme', { after, limit: 2, state: 'held' })
        const last = page.at(-1)
        if (!last) break
        found.push(...page.map(({ employeeId }) => employeeId))
        after = last
      }
      assert.deepEqual(found.toSorted(), ids)
    },
  },
  {
    name: 'what is due is found by its time, and by its lane',
    async run({ backend }) {
      const { changes } = backend
      assert.equal(await changes.hasDue(1_000), false)
      await note(
        backend,
        change('acme', 'ann', { state: 'failing', dueAt: 500 }),
        change('acme', 'bob', { state: 'held', dueAt: 400 }),
      )
      assert.equal(await changes.hasDue(399), false)
      assert.equal(await changes.hasDue(400), true)
      assert.deepEqual(employees(await changes.parked({ now: 400, limit: 9 })), ['bob'])
      assert.deepEqual(employees(await changes.parked({ now: 500, limit: 9 })), ['bob', 'ann'])
      assert.deepEqual(await changes.parked({ tenantId: 'other', now: 500, limit: 9 }), [])
      const lanes = ['ann', 'bob', 'eve'].map((employeeId) => ({ tenantId: 'acme', employeeId }))
      assert.deepEqual(employees(await changes.dueAmong(lanes, 450)), ['bob'])
      await note(backend, change('acme', 'ann'))
      assert.deepEqual(employees(await changes.dueAmong(lanes, 0)), ['ann'])
    },
  },
  {
    name: 'released changes are due at once, the others as before',
    async run({ backend }) {
      const { changes } = backend
      const held = { state: 'held', dueAt: 1_000 } as const
      await note(backend, change('acme', 'ann', held), change('acme', 'bob', held), change('other', 'ann', held))
      assert.equal(await changes.release({ tenantId: 'acme', employeeId: 'ann', state: 'failing' }), 0)
      assert.equal(await changes.release({ tenantId: 'acme', employeeId: 'ann', state: 'held' }), 1)
      assert.deepEqual(employees(await changes.parked({ now: 1, limit: 9 })), ['ann'])
      assert.equal((await changes.release({ tenantId: 'acme', state: 'held' })) >= 1, true)
      assert.deepEqual(employees(await changes.parked({ tenantId: 'acme', now: 1, limit: 9 })).toSorted(), [
        'ann',
        'bob',
      ])
    },
  },
  {
    name: 'how much is unsettled is told of a tenant and of all',
    async run({ backend }) {
      const { changes } = backend
      const nothing = { dirtyEmployees: 0, changes: 0, oldestAt: null, failing: 0, held: 0 }
      assert.deepEqual(await changes.state(undefined), nothing)
      await note(
        backend,
        change('acme', 'ann', { notedAt: 2_000, content: { days: [1, 1] } }),
        change('acme', 'ann', { notedAt: 3_000, state: 'failing', dueAt: 9 }),
        change('acme', 'bob', { notedAt: 1_000, state: 'held', dueAt: 9 }),
        change('acme', null, { notedAt: 4_000 }),
        change('other', 'ann', { notedAt: 500 }),
      )
      const acme = { dirtyEmployees: 2, changes: 4, oldestAt: new Date(2_000), failing: 1, held: 1 }
      assert.deepEqual(await changes.state('acme'), acme)
      assert.deepEqual(await changes.state(undefined), {
        ...acme,
        dirtyEmployees: 3,
        changes: 5,
        oldestAt: new Date(500),
      })
      assert.deepEqual(await changes.state('nobody'), nothing)
    },
  },
  {
    name: 'changes are listed in order, by state, page by page',
    async run({ backend }) {
      const { changes } = backend
      await note(backend, ...[1, 2, 3].map((day) => change('acme', 'ann', { content: { days: [day, day] } })))
      await note(backend, change('acme', 'ann', { state: 'held', dueAt: 1 }))
      const [first, second] = await changes.list({ tenantId: 'acme', after: 0, limit: 2 })
      assert.deepEqual([first?.content, second?.content], [{ days: [1, 1] }, { days: [2, 2] }])
      const rest = await changes.list({ tenantId: 'acme', after: second?.id ?? 0, limit: 9 })
      assert.deepEqual(
        rest.map(({ state }) => state),
        ['waiting', 'held'],
      )
      assert.equal((await changes.list({ tenantId: 'acme', state: 'held', after: 0, limit: 9 })).length, 1)
    },
  },
  {
    name: "one employee's waiting changes are read page by page, in order, whatever others there are",
    async run({ backend }) {
      const days = Array.from({ length: 7 }, (_, day) => change('acme', 'ann', { content: { days: [day, day] } }))
      await note(backend, ...days)
      await note(
        backend,
        change('acme', 'ann', { state: 'failing', dueAt: 9 }),
        ...['Ann', 'ann ', null].map((employeeId) => change('acme', employeeId)),
        change('acme ', 'ann'),
      )
      const found: NewChange[] = []
      for (let after = 0; ; ) {
        const page = await backend.unitOfWork.run((tx) =>
          backend.changes.readWaiting(tx, 'acme', { employeeId: 'ann', after, limit: 3 }),
        )
        found.push(...page.map(withoutId))
        after = page.at(-1)?.id ?? 0
        if (page.length < 3) break
      }
      assert.deepEqual(found, days)
    },
  },
  {
    name: 'thousands of changes of one employee can be noted, read and removed',
    async run({ backend }) {
      const many = Array.from({ length: 3_000 }, (_, day) => change('acme', 'ann', { content: { days: [day, day] } }))
      await note(backend, ...many)
      const found = await read(backend, 'acme', ['ann'])
      assert.equal(found.length, 3_000)
      await update(
        backend,
        found.map(({ id }) => id),
        [],
      )
      assert.deepEqual(await read(backend, 'acme', ['ann']), [])
    },
  },
]

/** The ledger's part of the contract; a backend without a ledger promises nothing of it. */
export const ledgerCases: readonly ConformanceCase[] = cases.map(({ name, run }) => ({
  name,
  async run({ backend }) {
    if (hasLedger(backend)) await run({ backend })
  },
}))

function change(tenantId: string, employeeId: string | null, more: Partial<NewChange> = {}): NewChange {
  const content: ChangeContent = { table: 'bookings', from: null, to: null }
  return {
    tenantId,
    employeeId,
    content,
    state: 'waiting',
    attempts: 0,
    error: null,
    notedAt: 1_000,
    dueAt: 0,
    ...more,
  }
}

function note<Tx>({ unitOfWork, changes }: LedgerBackend<Tx>, ...noted: readonly NewChange[]): Promise<void> {
  return unitOfWork.run((tx) => changes.note(tx, noted))
}

async function update<Tx>(
  { unitOfWork, changes }: LedgerBackend<Tx>,
  remove: readonly number[],
  add: readonly NewChange[],
): Promise<void> {
  const afterCommit = await unitOfWork.run((tx) => changes.update(tx, { remove, add }))
  afterCommit?.()
}

async function read<Tx>(
  { unitOfWork, changes }: LedgerBackend<Tx>,
  tenantId: string,
  employeeIds: readonly (string | null)[],
) {
  const found = await unitOfWork.run((tx) =>
    changes.read(tx, tenantId, { employeeIds, states: EVERY_STATE, limit: Number.MAX_SAFE_INTEGER }),
  )
  return found.toSorted((a, b) => a.id - b.id)
}

function employees(changes: readonly Pick<NewChange, 'employeeId'>[]): readonly (string | null)[] {
  return changes.map(({ employeeId }) => employeeId)
}

function withoutId({ id: _, ...rest }: Awaited<ReturnType<ChangeLedger['list']>>[number]): NewChange {
  return rest
}
