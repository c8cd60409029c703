import { jobStatus } from '../openapi/schemas/job.ts'
import { ownJob } from '../request/own-job.ts'
import { statusOfJob } from '../response/job-status-view.ts'
import { json } from '../response/json.ts'
import { route } from './route.ts'

/** How one job stands. */
export const statusRoute = route(
  {
    method: 'GET',
    path: '/status/:job_id',
    action: 'read',
    name: 'status',
    summary: 'How a job stands',
    answers: { 200: { description: 'How it stands', schema: jobStatus } },
  },
  async (call) => json(await statusOfJob(call.api, await ownJob(call))),
)
