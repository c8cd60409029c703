import { type FailureKey, failureId, type RecordedFailure, type Step } from '../run/checkpoint.ts'
import { employeeHash, hash } from './hash.ts'
import { failureBody } from './job-rows.ts'
import { bytesOf, statements } from './statements.ts'
import type { RecalcDb, TableNames } from './tables.ts'

/** A failure before it gets its number. */
type UnnumberedFailure = Omit<RecordedFailure, 'number'>

/** Removes and records failures as a step says, in its unit of work. The job's row is held, and has counted their numbers. */
export async function saveFailures(db: RecalcDb, names: TableNames, jobId: string, step: Step): Promise<void> {
  const { failures, resolved, moved } = step
  if (failures.length + resolved.length + moved.length === 0) return
  const movedFailures = await failuresMoved(db, names, jobId, moved)
  const gone = [...resolved, ...moved.map(({ failure }) => failure)]
  await deleteFailures(
    db,
    names,
    jobId,
    gone.map((key) => hash(failureId(key))),
  )
  await insertFailures(db, names, jobId, [...movedFailures, ...failures])
}

/** True when the failures that a step removes or adds are already as the step leaves them. */
export async function failuresAreAsAfter(db: RecalcDb, names: TableNames, jobId: string, step: Step): Promise<boolean> {
  const ids = (keys: readonly FailureKey[]) => new Set(keys.map((key) => hash(failureId(key))))
  const before = ids([...step.resolved, ...step.moved.map(({ failure }) => failure)])
  const after = ids([...step.failures, ...step.moved.map(({ failure, to }) => ({ ...failure, date: to }))])
  const telling = [...before.symmetricDifference(after)]
  let present = 0
  for (const hashes of statements(telling, bytesOf)) {
    const rows = await db
      .selectFrom(names.failures)
      .select('failure_hash')
      .where('job_id', '=', jobId)
      .where('failure_hash', 'in', hashes)
      .execute()
    present += rows.filter(({ failure_hash }) => after.has(failure_hash)).length
    present -= rows.filter(({ failure_hash }) => before.has(failure_hash)).length
  }
  return telling.length > 0 && present === telling.filter((id) => after.has(id)).length
}

async function failuresMoved(
  db: RecalcDb,
  names: TableNames,
  jobId: string,
  moved: Step['moved'],
): Promise<readonly UnnumberedFailure[]> {
  const destinations = new Map(moved.map(({ failure, to }) => [hash(failureId(failure)), to]))
  const found: UnnumberedFailure[] = []
  for (const hashes of statements([...destinations.keys()], bytesOf)) {
    const rows = await db
      .selectFrom(names.failures)
      .select(['failure_hash', 'body'])
      .where('job_id', '=', jobId)
      .where('failure_hash', 'in', hashes)
      .execute()
    for (const { failure_hash, body } of rows) {
      const failure = JSON.parse(body) as RecordedFailure // as it was stored
      found.push({ ...failure, date: destinations.get(failure_hash) ?? failure.date, moved: true })
    }
  }
  return found
}

async function deleteFailures(
  db: RecalcDb,
  names: TableNames,
  jobId: string,
  hashes: readonly string[],
): Promise<void> {
  for (const group of statements(hashes, bytesOf)) {
    await db.deleteFrom(names.failures).where('job_id', '=', jobId).where('failure_hash', 'in', group).execute()
  }
}

async function insertFailures(
  db: RecalcDb,
  names: TableNames,
  jobId: string,
  failures: readonly UnnumberedFailure[],
): Promise<void> {
  if (failures.length === 0) return
  const job = await db.selectFrom(names.jobs).select('last_failure').where('id', '=', jobId).executeTakeFirst()
  const before = Number(job?.last_failure) - failures.length
  const rows = failures.map((failure, i) => ({
    job_id: jobId,
    number: before + i + 1,
    failure_hash: hash(failureId(failure)),
    employee_hash: employeeHash(failure.employeeId),
    body: failureBody(failure),
  }))
  for (const group of statements(rows, ({ body }) => bytesOf(body) + 256)) {
    await db.insertInto(names.failures).values(group).execute()
  }
}
