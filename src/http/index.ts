/**
 * The service over HTTP: routes, server-sent events, OpenAPI and a console page. It needs hono and zod.
 *
 * @module recalc-service/http
 */

export { createRecalcApi, type RecalcApi } from './api.ts'
export type { Access, Action, Authorize } from './auth/access.ts'
export { apiKeys } from './auth/api-keys.ts'
export type { RecalcApiOptions } from './options.ts'
export type { FoundDifferences, RecalcForApi } from './recalc-for-api.ts'
export type { DescribeFailure, FailureText } from './response/failure-text.ts'
