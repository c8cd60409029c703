import { z } from 'zod'
import { JOB_STATUSES } from '../../jobs/job-record.ts'
import { covers } from '../auth/access.ts'
import { named } from '../openapi/schemas/components.ts'
import { choiceField, idField, wholeNumberField } from '../openapi/schemas/fields.ts'
import { job } from '../openapi/schemas/job.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import { listedJob } from '../response/job-status-view.ts'
import { json } from '../response/json.ts'
import { route } from './route.ts'

const jobPage = named(
  'JobPage',
  z.strictObject({
    jobs: z.array(job),
    next: z.string().nullable().meta({ description: 'What to ask for with `after`; null on the last page' }),
  }),
  'Jobs, newest first',
)

/** Jobs, newest first. */
export const jobsRoute = route(
  {
    method: 'GET',
    path: '/jobs',
    action: 'read',
    name: 'jobs',
    summary: 'Jobs, newest first',
    query: z.strictObject({
      tenant_id: idField('Only its jobs. Left out: those of every tenant that the caller has access to').optional(),
      status: choiceField('Only jobs that stand there', JOB_STATUSES).optional(),
      limit: wholeNumberField('How many. Default 50', { least: 1, most: 200 }).optional(),
      after: idField('A job: only older ones').optional(),
    }),
    answers: { 200: { description: 'A page of jobs', schema: jobPage } },
    problems: [404],
  },
  async (call) => {
    const { api, access, query } = call
    const { tenant_id: tenantId, status, limit = 50, after } = query
    if (tenantId !== undefined) checkOwnTenant(call, tenantId)
    // Another tenant's job is no place to go on from, either: the service refuses it like one that never was.
    const tenants = tenantId ?? (access.tenants === '*' ? undefined : access.tenants)
    const found = await api.recalc.listJobs({
      ...(tenants !== undefined && { tenantId: tenants }),
      ...(status !== undefined && { status }),
      ...(after !== undefined && { after }),
      limit: limit + 1,
    })
    const page = found.slice(0, limit)
    const isLast = found.length <= limit
    const jobs = page.filter(({ tenantId: whose }) => covers(access, whose)).map((one) => listedJob(api, one))
    return json({ jobs, next: isLast ? null : (page.at(-1)?.id ?? null) })
  },
)
