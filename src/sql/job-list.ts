import { type AliasedExpression, type SelectQueryBuilder, sql } from 'kysely'
import { JobNotFoundError } from '../errors.ts'
import type { JobRecord } from '../jobs/job-record.ts'
import type { JobQuery } from '../jobs/job-store.ts'
import { hash } from './hash.ts'
import type { TablesIn } from './job-database.ts'
import { jobsWithLanes, recordFrom } from './job-reads.ts'
import { bytesOf, statements } from './statements.ts'
import { jobKey } from './tables.ts'

/** A statement lists the newest jobs of so many tenants: each of them is a query of its own in it. */
const TENANTS_PER_STATEMENT = 50

/** Where a job stands in the list. */
interface Position {
  readonly id: string
  readonly createdAt: number
}

/** Which jobs of one tenant, or of all. */
interface Listing extends Pick<JobQuery, 'status'> {
  readonly tenantHash?: string
  readonly behind: Position | undefined
}

/** Jobs, newest first, and of one millisecond by id. However many there are, no more than a page of each tenant is read. */
export async function listRecords(database: TablesIn, query: JobQuery): Promise<readonly JobRecord[]> {
  const { tenantId, status, limit = 100, after } = query
  const tenantHashes = tenantId === undefined ? undefined : [...new Set([tenantId].flat())].map(hashOf)
  if (tenantHashes?.length === 0) return []
  const behind = after === undefined ? undefined : await positionOf(database, after, tenantHashes)
  const listing = { ...(status && { status }), behind }
  if (!tenantHashes) return await listOf(database, [listing], limit)
  const found: JobRecord[] = []
  for (const group of statements(tenantHashes, bytesOf, TENANTS_PER_STATEMENT)) {
    const listings = group.map((tenantHash) => ({ ...listing, tenantHash }))
    found.push(...(await listOf(database, listings, limit)))
  }
  return found.sort(newestFirst).slice(0, limit)
}

function hashOf(tenantId: string): string {
  return hash('tenant', tenantId)
}

/** @throws {JobNotFoundError} when there is no such job of these tenants. */
async function positionOf(
  { db, names }: TablesIn,
  jobId: string,
  tenantHashes: readonly string[] | undefined,
): Promise<Position> {
  const job = await db
    .selectFrom(names.jobs)
    .select(['id', 'created_at', 'tenant_hash'])
    .where('id', '=', jobKey(jobId))
    .executeTakeFirst()
  // MySQL compares without spaces at the end.
  if (job?.id !== jobId || (tenantHashes && !tenantHashes.includes(job.tenant_hash))) throw new JobNotFoundError(jobId)
  return { id: job.id, createdAt: Number(job.created_at) }
}

async function listOf(database: TablesIn, listings: readonly Listing[], limit: number): Promise<readonly JobRecord[]> {
  const { db, names } = database
  const rows = await jobsWithLanes(database, db)
    .innerJoin(pageOf(database, listings, limit), 'page.id', `${names.jobs}.id`)
    .orderBy('page.created_at', 'desc')
    .orderBy('page.id', 'desc')
    .execute()
  return rows.map(recordFrom)
}

/** What a list is ordered by, all of which is in an index. */
interface PageRow {
  readonly id: string
  readonly created_at: number
}

/** The newest of several listings, of which no more than a page each is read. */
function pageOf(database: TablesIn, listings: readonly Listing[], limit: number): AliasedExpression<PageRow, 'page'> {
  const { db } = database
  const pages = listings.map((listing) => newest(jobsOf(database, listing), limit))
  const [only] = pages
  if (only && pages.length === 1) return only.as('page')
  // SQLite takes a limit within a union only in a query of its own.
  const whole = pages.map((page) => db.selectFrom(page.as('one')).select(['id', 'created_at']))
  const all = whole.reduce((union, one) => union.unionAll(one))
  return newest(db.selectFrom(all.as('all')).select(['id', 'created_at']), limit).as('page')
}

function jobsOf({ db, names }: TablesIn, { tenantHash, status, behind }: Listing) {
  let jobs = db.selectFrom(names.jobs).select(['id', 'created_at'])
  if (tenantHash !== undefined) jobs = jobs.where('tenant_hash', '=', tenantHash)
  if (status !== undefined) jobs = jobs.where('status', '=', status)
  if (!behind) return jobs
  const { id, createdAt } = behind
  // The first condition by itself is where the index is entered.
  return jobs
    .where('created_at', '<=', createdAt)
    .where((eb) => eb.or([eb('created_at', '<', createdAt), eb('id', '<', id)]))
}

function newest<Query extends SelectQueryBuilder<never, never, PageRow>>(query: Query, limit: number): Query {
  const ordered = query.orderBy(sql.ref('created_at'), 'desc').orderBy(sql.ref('id'), 'desc').limit(limit)
  return ordered as Query // of the same rows
}

function newestFirst(a: JobRecord, b: JobRecord): number {
  return b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1)
}
