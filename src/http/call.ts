import type { Access } from './auth/access.ts'
import type { ResolvedApiOptions } from './options.ts'
import type { Paths } from './paths.ts'
import type { RecalcForApi } from './recalc-for-api.ts'
import type { JobFeeds } from './stream/job-feeds.ts'

/** What every route works with. */
export interface Api {
  readonly recalc: RecalcForApi
  readonly options: ResolvedApiOptions
  readonly paths: Paths
  readonly feeds: JobFeeds
}

/** A request that was let in. */
export interface Call {
  readonly api: Api
  readonly request: Request
  /** What the server gave along with it: of node:http, for @hono/node-server. */
  readonly env: unknown
  readonly access: Access
  /** Of the path; empty where it has none. */
  readonly jobId: string
}
