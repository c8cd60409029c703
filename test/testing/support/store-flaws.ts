import { setImmediate } from 'node:timers/promises'
import type { Counters, JobEvent, JobQuery } from 'recalc-service'
import type { JobStore } from 'recalc-service/backend'
import { startOfRun } from '../../../src/run/checkpoint.ts'
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
  [
    'takes nobody for asked again',
    (jobs) => ({ create: (record, event, request) => jobs.create({ ...record, fingerprint: null }, event, request) }),
  ],
  [
    'refuses who asks again',
    (jobs) => ({
      async create(record, event, request) {
        const admission = await jobs.create(record, event, request)
        return 'existing' in admission ? { activeJobId: record.id } : admission
      },
    }),
  ],
  [
    'looks for who asked before, not at once',
    (jobs) => ({
      async create(record, event, request) {
        const existing = await jobs.get(record.id)
        await setImmediate()
        return existing ? { existing } : await jobs.create({ ...record, fingerprint: null }, event, request)
      },
    }),
  ],
  ['lists every tenant of an empty list', (jobs) => ({ list: (query) => jobs.list(withoutEmpty(query)) })],
  [
    'lists only the first of several tenants',
    (jobs) => ({
      list: ({ tenantId, ...query }) =>
        jobs.list({
          ...query,
          ...(tenantId !== undefined && { tenantId: Array.isArray(tenantId) ? tenantId.slice(0, 1) : tenantId }),
        }),
    }),
  ],
  ['begins at the newest whatever the page', (jobs) => ({ list: ({ after: _, ...query }) => jobs.list(query) })],
  [
    'gives an empty page after a job that is not there',
    (jobs) => ({ list: (query) => jobs.list(query).catch(() => []) }),
  ],
  [
    'gives the page after a job of another tenant',
    (jobs) => ({
      async list({ tenantId, limit, ...query }) {
        const wanted = tenantId === undefined ? undefined : [tenantId].flat()
        const found = await jobs.list({ ...query, limit: 1_000 })
        return found.filter(({ plan }) => !wanted || wanted.includes(plan.tenantId)).slice(0, limit)
      },
    }),
  ],
  ['gives the failures of everybody', (jobs) => ({ failuresOf: (id) => jobs.failures(id, { after: 0, limit: 1e9 }) })],
  [
    'gives one failure of an employee',
    (jobs) => ({
      failuresOf: async (id, employeeIds) => {
        const found = await jobs.failuresOf(id, employeeIds)
        return found.filter((one, i) => found.findIndex(({ employeeId }) => employeeId === one.employeeId) === i)
      },
    }),
  ],
  ['knows no checkpoint', () => ({ checkpoint: async () => undefined })],
  ['has a checkpoint of nobody', (jobs) => ({ checkpoint: async (id) => (await jobs.checkpoint(id)) ?? startOfRun })],
  ['names every employee', (jobs) => ({ employeeIds: (id, { after }) => jobs.employeeIds(id, { after, limit: 1e9 }) })],
  [
    'names employees in another order',
    (jobs) => ({
      employeeIds: async (id, { after, limit }) => {
        const all = await jobs.employeeIds(id, { after: null, limit: 1e9 })
        const ordered = all.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        const start = after === null ? 0 : ordered.indexOf(after) + 1
        return ordered.slice(start, start + limit)
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
  ['renews any lease', () => ({ renew: async () => ({ cancel: null, pause: false }) })],
  [
    'tells nobody that a job is to end',
    (jobs) => ({
      async renew(lease, request) {
        await jobs.renew(lease, request)
        return { cancel: null, pause: false }
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
          ({ plan }) => tenantId === undefined || sloppy(plan.tenantId) === sloppy(`${tenantId}`),
        ),
    }),
  ],
  [
    'has nobody wait',
    (jobs) => ({ create: (record, event, request) => jobs.create(record, event, { ...request, whenBusy: 'reject' }) }),
  ],
  [
    'begins what nobody works on',
    (jobs) => ({ create: (record, event, request) => jobs.create(record, event, { ...request, worker: true }) }),
  ],
  ['finds nobody who waits', () => ({ listWaiting: async () => ({ jobs: [], next: null }) })],
  ['skips no waiting job', (jobs) => ({ listWaiting: (query) => jobs.listWaiting({ ...query, except: [] }) })],
  [
    'finds only the first queues',
    (jobs) => ({ listWaiting: async (query) => ({ ...(await jobs.listWaiting(query)), next: null }) }),
  ],
  [
    'takes one who waits for dead',
    (jobs) => ({
      async listAbandoned(query) {
        const waiting = (await jobs.list({ status: 'queued' })).map(({ id }) => ({
          jobId: id,
          status: 'queued' as const,
          cancelRequested: false,
          pauseRequested: false,
        }))
        return [...(await jobs.listAbandoned(query)), ...waiting]
      },
    }),
  ],
  [
    'works on what is only to be ended',
    (jobs) => ({ claim: (id, { toEnd: _, ...request }) => jobs.claim(id, request) }),
  ],
  [
    'lets those who wait again in front',
    (jobs) => ({ requeue: (id, request) => jobs.requeue(id, { ...request, now: 0, whenBusy: 'queue' }) }),
  ],
  ['pauses nothing', () => ({ requestPause: async () => true })],
  [
    'tells nobody that a job is to pause',
    (jobs) => ({ renew: async (lease, request) => ({ ...(await jobs.renew(lease, request)), pause: false }) }),
  ],
  ['finds nobody who was abandoned', () => ({ listAbandoned: async () => [] })],
  [
    'finds the living too',
    (jobs) => ({ listAbandoned: (query) => jobs.listAbandoned({ ...query, now: query.now + 1e9 }) }),
  ],
  [
    'finds more than it is asked for',
    (jobs) => ({ listAbandoned: (query) => jobs.listAbandoned({ ...query, limit: 1e9 }) }),
  ],
  [
    'repairs nothing',
    (jobs) => ({ saveStep: (tx, lease, step) => jobs.saveStep(tx, lease, { ...step, repaired: 0 }) }),
  ],
  [
    'keeps whoever has left a lane',
    (jobs) => ({
      saveStep(tx, lease, step) {
        if (!step.lane) return jobs.saveStep(tx, lease, step)
        const { employeeIds: _, ...lane } = step.lane
        return jobs.saveStep(tx, lease, { ...step, lane })
      },
    }),
  ],
  [
    'forgets which tenant stages are done',
    (jobs) => ({
      saveStep(tx, lease, { tenantStagesDone: _, ...step }) {
        return jobs.saveStep(tx, lease, step)
      },
    }),
  ],
  [
    'lets a job end otherwise than it was asked to',
    (jobs) => ({
      async append(lease, events, record) {
        const refusal = await jobs.append(lease, events, record)
        if (refusal) await jobs.append(lease, events, { ...record, status: 'cancelled' })
        return null
      },
    }),
  ],
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
    (jobs) => ({ saveStep: (tx, lease, step) => jobs.saveStep(tx, lease, { ...step, resolved: [] }) }),
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
  ['forgets who was dispatched', (jobs) => ({ openLanes: (lease, lanes) => jobs.openLanes(lease, lanes, undefined) })],
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
          const refusal = await jobs.append(lease, events, record)
          await setImmediate()
          await setImmediate()
          hidden = false
          return refusal
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
          const refusal = await jobs.append(lease, events, record)
          counters.set(record.id, record.counters)
          return refusal
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
          return await jobs.append(lease, events, record)
        },
        events: async (id, page) => [...(await jobs.events(id, page)), ...again],
      }
    },
  ],
]

function sloppy(text: string): string {
  return text.trim().toLowerCase()
}

function withoutEmpty({ tenantId, ...query }: JobQuery): JobQuery {
  return tenantId === undefined || tenantId.length === 0 ? query : { ...query, tenantId }
}
