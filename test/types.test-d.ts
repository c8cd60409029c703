/* What must not compile, and what must: checked by tsc, never run. */
import {
  type ClosedPeriods,
  type DailyCalc,
  dayKey,
  dayStage,
  type EmployeeDay,
  type EmployeeRepository,
  type IsoDate,
  type JobEmployee,
  type JobEvent,
  type JobHandle,
  type JobSnapshot,
  type JobTriggerOptions,
  memoryBackend,
  type RecalcBackend,
  type RecalcError,
  RecalcService,
  type RecalcServiceOptions,
  type RunStatus,
  type StageContext,
  tenantStage,
  type UnitOfWork,
} from '../src/index.ts'

interface Tx {
  query(sql: string): Promise<readonly string[]>
}

declare const employees: EmployeeRepository
declare const backend: RecalcBackend<Tx>
declare const unitOfWork: UnitOfWork<Tx>
declare const plain: DailyCalc
declare const onTx: DailyCalc<Tx>
declare const service: RecalcService
declare const job: JobHandle

const scores = dayStage({
  name: 'scores',
  writes: ['scores'],
  load: async () => new Map<string, number>(),
  calculate: (_day, inputs, previous: number | null) => (inputs.get('x') ?? 0) + (previous ?? 0),
  save: async ({ upserts }) => void upserts.map(({ value }) => value.toFixed()),
})
const scoresOnTx = dayStage({
  name: 'scores',
  writes: ['scores'],
  load: async (_block, { tx }: { readonly tx: Tx }) => await tx.query('select'),
  calculate: () => 1,
  save: async () => {},
})
const rankingOnTx = tenantStage<Tx>({ name: 'ranking', writes: ['ranking'], run: async ({ tx }) => void tx.query('x') })

// A calculator, never two, never none.
new RecalcService({ dailyCalc: plain, employees })
new RecalcService({ stages: [scores], employees })
// @ts-expect-error both calculators
new RecalcService({ dailyCalc: plain, stages: [scores], employees })
// @ts-expect-error neither calculator
new RecalcService({ employees })
// @ts-expect-error no employees
new RecalcService({ dailyCalc: plain })
// @ts-expect-error a typo
new RecalcService({ dailyCalc: plain, employees, concurency: 4 })
// @ts-expect-error exclusive is a word
new RecalcService({ dailyCalc: plain, employees, exclusive: true })

// Beside a dailyCalc there may be tenant stages, which run once after it.
new RecalcService({ dailyCalc: onTx, stages: [rankingOnTx], employees, backend })
// @ts-expect-error a day stage beside a dailyCalc
new RecalcService({ dailyCalc: onTx, stages: [scoresOnTx], employees, backend })

// What `load` gives is what `calculateDay` gets.
const loading: DailyCalc<Tx, readonly string[]> = {
  load: async ({ employeeIds, from, to }, { tx }) => tx.query([...employeeIds, from, to].join()),
  async calculateDay({ date }, { tx, run, afterCommit }, rows) {
    afterCommit(() => run.id.trim())
    if (rows.includes(date)) return 'unchanged'
    await tx.query(date)
    return 'changed'
  },
}
void loading
const wrongInputs: DailyCalc<Tx, number> = {
  // @ts-expect-error texts, not a number
  load: async (_block, { tx }) => tx.query('select'),
  async calculateDay() {},
}
void wrongInputs

// Closed periods are intervals, or everything through a date, never both.
const intervals: ClosedPeriods<Tx> = {
  closed: async ({ employeeIds, from, to }) => new Map(employeeIds.map((id) => [id, [{ from, to }]])),
}
void intervals
// @ts-expect-error both forms
const bothForms: ClosedPeriods<Tx> = { closed: async () => new Map(), closedThrough: async () => new Map() }
void bothForms

// What to do without a row of the day before is said together with what it needs.
dayStage<number, undefined, Tx>({
  name: 'balance',
  reads: { balance: [-1, 0] },
  writes: ['balance'],
  load: async () => undefined,
  calculate: (_day, _inputs, previous) => (previous ?? 0) + 1,
  stored: async () => new Map(),
  previousMissing: 'latest',
  latest: async ({ employeeIds, before }) => new Map(employeeIds.map((id) => [id, before.length])),
  save: async () => {},
})

// Whoever wants a transaction needs a backend that hands it out.
new RecalcService({ dailyCalc: onTx, employees, backend })
new RecalcService({ stages: [scoresOnTx, rankingOnTx], employees, backend: memoryBackend({ unitOfWork }) })
// @ts-expect-error no backend
new RecalcService({ dailyCalc: onTx, employees })
// @ts-expect-error no backend
new RecalcService({ stages: [rankingOnTx], employees })
// @ts-expect-error no backend
new RecalcService<Tx>({ stages: [scoresOnTx], employees })
// @ts-expect-error a backend that hands out no transaction
new RecalcService<Tx>({ dailyCalc: onTx, employees, backend: memoryBackend() })
declare const closedOnTx: ClosedPeriods<Tx>
new RecalcService({ dailyCalc: onTx, employees, backend, closedPeriods: closedOnTx })
declare const closedOnOther: ClosedPeriods<{ readonly other: true }>
// @ts-expect-error closed periods of another database
new RecalcService<Tx>({ dailyCalc: onTx, employees, backend, closedPeriods: closedOnOther })

// A stage's parts must fit each other.
// @ts-expect-error no save
dayStage({ name: 'a', writes: ['a'], load: async () => 1, calculate: () => 1 })
dayStage<number, number>({
  name: 'a',
  // @ts-expect-error tables are a list
  writes: 'a',
  load: async () => 1,
  calculate: () => 1,
  save: async () => {},
})
dayStage<number, string>({
  name: 'a',
  writes: ['a'],
  // @ts-expect-error load gives other inputs than calculate takes
  load: async () => 1,
  calculate: (_day, inputs) => inputs.length,
  save: async () => {},
})
dayStage<number, string>({
  name: 'a',
  writes: ['a'],
  load: async () => '1',
  // @ts-expect-error calculate is not asynchronous
  calculate: async () => 1,
  save: async () => {},
})

// A made stage can be called as it was written, and tells the type of its values.
const worked = dayStage<number, string, Tx>({
  name: 'worked',
  writes: [],
  load: async () => '1',
  calculate: (_day, inputs) => inputs.length,
})
declare const employeeDay: EmployeeDay
declare const context: StageContext<Tx>
worked.calculate(employeeDay, '12', null)?.toFixed()
// @ts-expect-error it keeps nothing
worked.save({ upserts: [], deletes: [] }, context)
scores.save({ upserts: [], deletes: [] }, context).then(() => {})
context.valuesOf(worked).get(dayKey(employeeDay))?.toFixed()
// @ts-expect-error numbers, not texts
context.valuesOf(worked).get(dayKey(employeeDay))?.trim()
new RecalcService({ stages: [worked, scoresOnTx], employees, backend })

// Requests are objects with exactly their own properties.
const day = { tenantId: 't', employeeId: 'e', date: '2025-01-01' }
const from = '2025-01-01' as IsoDate
void service.triggerRecalc(day)
void service.triggerRecalc({ ...day, date: from }, { tables: ['scores'], signal: new AbortController().signal })
void service.triggerRecalcRange({ tenantId: 't', employeeId: 'e', from, to: '2025-01-02' })
void service.estimate({ tenantId: 't', from, to: from })
// @ts-expect-error positional strings
void service.triggerRecalc('t', 'e', '2025-01-01')
// @ts-expect-error a Date is no date
void service.triggerRecalc({ ...day, date: new Date() })
// @ts-expect-error no date
void service.triggerRecalc({ tenantId: 't', employeeId: 'e' })
// @ts-expect-error a range of everybody
void service.triggerRecalcRange({ tenantId: 't', from, to: from })
// @ts-expect-error employees are a list
void service.triggerRecalcBatch({ tenantId: 't', employeeIds: 'e', from, to: from })
// @ts-expect-error a typo
void service.triggerRecalcBatch({ tenantId: 't', employeeIDs: ['e'], from, to: from })
// @ts-expect-error everybody, except that somebody is named
void service.triggerRecalcAll({ tenantId: 't', employeeId: 'e', from, to: from })
// @ts-expect-error a typo
void service.triggerRecalc(day, { clearexisting: true })
// @ts-expect-error no such way to go on
void service.triggerRecalc(day, { onError: 'ignore' })

// Only what makes a job can be asked for again, or has to wait.
const asJob: JobTriggerOptions = { idempotencyKey: 'monday', cooldownMs: 60_000, reason: 'new rules' }
const named = { tenantId: 't', employeeIds: ['e'], from, to: from }
void service.triggerRecalcAsync(day, asJob)
void service.triggerRecalcRangeAsync({ tenantId: 't', employeeId: 'e', from, to: from }, asJob)
void service.triggerRecalcBatchAsync(named, asJob)
void service.triggerRecalcAllAsync({ tenantId: 't', from, to: from }, asJob)
// @ts-expect-error a call that makes no job has no key
void service.triggerRecalc(day, { idempotencyKey: 'monday' })
// @ts-expect-error not even handed on
void service.triggerRecalc(day, asJob)
// @ts-expect-error a call that makes no job has no key
void service.triggerRecalcRange({ tenantId: 't', employeeId: 'e', from, to: from }, { idempotencyKey: 'monday' })
// @ts-expect-error a call that makes no job waits for no cooldown
void service.triggerRecalcBatch(named, { cooldownMs: 1 })
// @ts-expect-error a call that makes no job waits for no cooldown
void service.triggerRecalcAll({ tenantId: 't', from, to: from }, { cooldownMs: 1 })
// @ts-expect-error an estimate makes no job
void service.estimate(named, { idempotencyKey: 'monday' })

// Events are typed by their name.
job.on('progress', ({ progress, current, employeeName }) => void [progress.toFixed(), current, employeeName?.length])
job.once('completed', ({ result }) => void result.processedDays)
// @ts-expect-error no such event
job.on('done', () => {})
// @ts-expect-error progress has no result
job.on('progress', ({ result }) => result)
// @ts-expect-error only the library tells what happens
job.emit('progress')
declare const event: JobEvent
if (event.type === 'failed') void event.result.errors
// @ts-expect-error not every event has a result
void event.result

// Statuses and error codes narrow.
const statuses: Record<RunStatus, true> = {
  completed: true,
  completed_with_errors: true,
  failed: true,
  cancelled: true,
  paused: true,
  interrupted: true,
}
void statuses
void service.listJobs({ status: 'running' })
declare const tenants: readonly string[]
void service.listJobs({ tenantId: tenants, after: 'id', limit: 10 })
// @ts-expect-error failures are told apart by their numbers
void service.listJobFailures('id', { after: 'id' })
// @ts-expect-error employees are told apart by their ids
void service.listJobEmployees('id', { after: 7 })
declare const employee: JobEmployee
void [employee.datesDone.toFixed(), employee.name?.length, employee.blockedFrom, employee.failures[0]?.number]
declare const snapshot: JobSnapshot
void [snapshot.runStartedAt?.getTime(), snapshot.remainingMs?.toFixed()]
// @ts-expect-error no such status
void service.listJobs({ status: 'done' })
declare const error: RecalcError
void error.code.length
// @ts-expect-error a handle is made by the service
void (job as JobHandle satisfies Promise<unknown>)

const options: RecalcServiceOptions = { dailyCalc: plain, employees, zone: (tenantId: string) => tenantId }
void options

// Inside the host's transaction: a day or a range, at once, with calls for after the commit.
declare const serviceOnTx: RecalcService<Tx>
declare const hostsTx: Tx
const oneDay = { tenantId: 't', employeeId: 'e', date: '2025-01-01' }
const someDays = { tenantId: 't', employeeId: 'e', from: '2025-01-01', to: '2025-01-02' }
void serviceOnTx.triggerRecalc(oneDay, { tx: hostsTx }).then((result) => result.afterCommit())
void serviceOnTx
  .triggerRecalcRange(someDays, { tx: hostsTx, tables: ['scores'] })
  .then((result) => result.afterCommit())
// @ts-expect-error without a transaction there is nothing to be called later
void serviceOnTx.triggerRecalc(oneDay).then((result) => result.afterCommit())
// @ts-expect-error a failed day cannot be taken back by itself
void serviceOnTx.triggerRecalc(oneDay, { tx: hostsTx, onError: 'continue' })
// @ts-expect-error a job has transactions of its own
void serviceOnTx.triggerRecalcAsync(oneDay, { tx: hostsTx })
// @ts-expect-error only one employee
void serviceOnTx.triggerRecalcAll({ tenantId: 't', from: '2025-01-01', to: '2025-01-02' }, { tx: hostsTx })
declare const serviceInMemory: RecalcService<undefined>
// @ts-expect-error there is no transaction
void serviceInMemory.triggerRecalc(oneDay, { tx: undefined })

// Held changes tell by themselves which days, and are settled by all stages.
const heldAndDays = { held: true as const, ...someDays }
void service.preview({ held: true, tenantId: 't' }, { signal: AbortSignal.abort() })
void service.preview({ held: true, tenantId: 't', employeeId: 'e' })
// @ts-expect-error the changes tell which days
void service.preview({ held: true, tenantId: 't', from: '2025-01-01', to: '2025-01-02' })
// @ts-expect-error also where the object was made before
void service.preview(heldAndDays)
// @ts-expect-error one employee, or everybody
void service.preview({ held: true, tenantId: 't', employeeIds: ['e'] })
// @ts-expect-error all stages settle them
void service.preview({ held: true, tenantId: 't' }, { tables: ['scores'] })
// @ts-expect-error no day is closed for them
void service.preview({ held: true, tenantId: 't' }, { closed: 'only' })
// @ts-expect-error left out, or true
void service.preview({ held: false, tenantId: 't' })
