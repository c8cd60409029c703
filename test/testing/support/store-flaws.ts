import { setImmediate } from 'node:timers/promises'
import type { Counters, JobEvent, JobStore } from 'recalc-service'
import type { RowsTx } from './rows-unit-of-work.ts'

/** A job store whose methods can be taken one by one. */
type Jobs = JobStore<RowsTx>

type Flaw = readonly [what: string, (jobs: Jobs) => Partial<Jobs>]

const ANY = ['queued', 'running', 'completed', 'completed_with_errors', 'failed', 'cancelled', 'interrupted'] as const

/** Each breaks one promise of a job store; the conformance suite must notice. */
export const storeFlaws: readonly Flaw[] = [
  [
    'lets everybody in',
    (jobs) => ({ create: (record, event, request) => jobs.create({ ...record, scope: null }, event, request) }),
  ],
  [
    'forgets the cooldown',
    (jobs) => ({ create: (record, event, request) => jobs.create(record, event, { ...request, cooldownMs: 0 }) }),
  ],
  [
    'stores no first event',
    (jobs) => ({ events: async (id, page) => (await jobs.events(id, page)).filter(({ seq }) => seq > 1) }),
  ],
  [
    'admits after looking, not at once',
    (jobs) => ({
      async create(record, event, request) {
        const active = (await jobs.list({})).find(({ scope, status }) => scope === record.scope && status === 'queued')
        if (record.scope !== null && active) return { activeJobId: active.id }
        return await jobs.create({ ...record, scope: record.id }, event, request)
      },
    }),
  ],
  ['claims whatever the status', (jobs) => ({ claim: (id, request) => jobs.claim(id, { ...request, from: ANY }) })],
  [
    'claims jobs whose lease still holds',
    (jobs) => ({ claim: (id, request) => jobs.claim(id, { ...request, now: request.now + 1e9 }) }),
  ],
  [
    'never lets a lease run out',
    (jobs) => ({ claim: (id, request) => jobs.claim(id, { ...request, now: request.now - 1e9 }) }),
  ],
  [
    'hands out the same token twice',
    (jobs) => ({
      async claim(id, request) {
        const claim = await jobs.claim(id, request)
        return 'lease' in claim ? { ...claim, lease: { ...claim.lease, token: 1 } } : claim
      },
    }),
  ],
  [
    'begins at the start after every claim',
    (jobs) => ({
      async claim(id, request) {
        const claim = await jobs.claim(id, request)
        return 'lease' in claim ? { ...claim, checkpoint: { ...claim.checkpoint, openLanes: [] } } : claim
      },
    }),
  ],
  [
    'forgets the last failure',
    (jobs) => ({ claim: async (id, request) => ({ ...(await jobs.claim(id, request)), lastFailure: 0 }) as never }),
  ],
  ['renews nothing', (jobs) => ({ renew: (lease, request) => jobs.renew(lease, { ...request, leaseMs: -1e9 }) })],
  ['renews any lease', () => ({ renew: async () => ({ cancel: null }) })],
  [
    'tells nobody that a job is to end',
    (jobs) => ({
      async renew(lease, request) {
        await jobs.renew(lease, request)
        return { cancel: null }
      },
    }),
  ],
  ['always says that it asked', () => ({ requestCancel: async () => true })],
  ['lists the oldest first', (jobs) => ({ list: async (query) => (await jobs.list(query)).toReversed() })],
  ['lists every tenant', (jobs) => ({ list: ({ tenantId: _, ...query }) => jobs.list(query) })],
  ['lists every status', (jobs) => ({ list: ({ status: _, ...query }) => jobs.list(query) })],
  ['lists without limit', (jobs) => ({ list: ({ limit: _, ...query }) => jobs.list(query) })],
  [
    'takes one tenant for another',
    (jobs) => ({
      list: async ({ tenantId, ...query }) =>
        (await jobs.list(query)).filter(
          ({ plan }) => tenantId === undefined || plan.tenantId.trim().toLowerCase() === tenantId.trim().toLowerCase(),
        ),
    }),
  ],
  ['finds nobody who was interrupted', () => ({ listInterrupted: async () => [] })],
  ['finds the living too', (jobs) => ({ listInterrupted: (now) => jobs.listInterrupted(now + 1e9) })],
  [
    'gives a page too many',
    (jobs) => ({ events: (id, { after, limit }) => jobs.events(id, { after, limit: limit + 1 }) }),
  ],
  [
    'gives events again',
    (jobs) => ({ events: (id, { after, limit }) => jobs.events(id, { after: after - 1, limit }) }),
  ],
  [
    'turns dates into strings',
    (jobs) => ({ events: async (id, page) => JSON.parse(JSON.stringify(await jobs.events(id, page))) }),
  ],
  [
    'turns the dates of a record into strings',
    (jobs) => ({
      async get(id) {
        const record = await jobs.get(id)
        return record && JSON.parse(JSON.stringify(record))
      },
    }),
  ],
  ['gives every failure', (jobs) => ({ failures: (id, { after }) => jobs.failures(id, { after, limit: 1e9 }) })],
  [
    'calls no watcher',
    () => ({
      watch: () => () => {},
    }),
  ],
  [
    'never takes a watcher off',
    (jobs) => ({
      watch(id, listener) {
        jobs.watch(id, listener)
        return () => {}
      },
    }),
  ],
  [
    'saves steps before the commit',
    (jobs) => ({
      async saveStep(tx, lease, step) {
        const complete = await jobs.saveStep(tx, lease, step)
        complete?.()
        return undefined
      },
    }),
  ],
  [
    'saves no failures',
    (jobs) => ({ saveStep: (tx, lease, step) => jobs.saveStep(tx, lease, { ...step, failures: [] }) }),
  ],
  [
    'settles nothing',
    (jobs) => ({ saveStep: (tx, lease, step) => jobs.saveStep(tx, lease, { ...step, settled: [] }) }),
  ],
  ['moves no failure', (jobs) => ({ saveStep: (tx, lease, step) => jobs.saveStep(tx, lease, { ...step, moved: [] }) })],
  [
    'counts no unchanged days',
    (jobs) => ({ saveStep: (tx, lease, step) => jobs.saveStep(tx, lease, { ...step, unchanged: 0 }) }),
  ],
  [
    'finishes no lane',
    (jobs) => ({
      saveStep: (tx, lease, step) =>
        jobs.saveStep(tx, lease, { ...step, ...(step.lane && { lane: { ...step.lane, finished: false } }) }),
    }),
  ],
  [
    'forgets who was handed out',
    (jobs) => ({ openLanes: (lease, lanes) => jobs.openLanes(lease, lanes, { after: null, all: false }) }),
  ],
  [
    'keeps the lane that was split',
    (jobs) => ({
      async splitLane(lease, _, into) {
        await jobs.splitLane(lease, 1_000, into)
      },
    }),
  ],
  [
    'ends without a result',
    (jobs) => ({ append: (lease, events, record) => jobs.append(lease, events, { ...record, result: null }) }),
  ],
  [
    'stores the end before its event',
    (jobs) => {
      let hidden = false
      return {
        async append(lease, events, record) {
          hidden = record.result !== null
          await jobs.append(lease, events, record)
          await setImmediate()
          await setImmediate()
          hidden = false
        },
        events: async (id, page) => (await jobs.events(id, page)).filter((event) => !hidden || !('result' in event)),
      }
    },
  ],
  [
    'takes the counters of the record',
    (jobs) => {
      const counters = new Map<string, Counters>()
      return {
        async append(lease, events, record) {
          await jobs.append(lease, events, record)
          counters.set(record.id, record.counters)
        },
        async get(id) {
          const record = await jobs.get(id)
          return record && { ...record, counters: counters.get(id) ?? record.counters }
        },
      }
    },
  ],
  [
    'stores a repeated event twice',
    (jobs) => {
      const again: JobEvent[] = []
      return {
        async append(lease, events, record) {
          const { lastSeq } = (await jobs.get(record.id)) ?? record
          again.push(...events.filter(({ seq }) => seq <= lastSeq))
          await jobs.append(lease, events, record)
        },
        events: async (id, page) => [...(await jobs.events(id, page)), ...again],
      }
    },
  ],
]
