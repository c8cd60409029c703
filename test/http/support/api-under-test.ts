import { apiKeys, createRecalcApi, type RecalcApi, type RecalcApiOptions } from 'recalc-service/http'
import { onTestFinished } from 'vitest'
import { type Office, office } from '../../jobs/support/office.ts'
import { ApiClient } from './client.ts'
import { listenerOf, serve } from './server.ts'

/** Who may do what. */
export const KEYS = {
  acme: 'key-of-acme',
  globex: 'key-of-globex',
  admin: 'key-of-the-admin',
  reader: 'key-that-reads',
  starter: 'key-that-starts',
} as const

/** The `authorize` of the tests. */
export const authorize = apiKeys({
  [KEYS.acme]: { tenants: ['acme'], actions: '*' },
  [KEYS.globex]: { tenants: ['globex'], actions: '*' },
  [KEYS.admin]: { tenants: '*', actions: '*' },
  [KEYS.reader]: { tenants: ['acme'], actions: ['read'] },
  [KEYS.starter]: { tenants: ['acme'], actions: ['start'] },
})

/** What an office logs, the API too. */
export interface ApiUnderTest extends Office {
  readonly api: RecalcApi
  readonly url: string
  /** Calls with the key of acme. */
  readonly client: ApiClient
}

/** An office with an API in front of it, behind a real socket. */
export async function apiUnderTest(
  options: NonNullable<Parameters<typeof office>[0]> & {
    readonly http?: { readonly [Name in keyof RecalcApiOptions]?: RecalcApiOptions[Name] | undefined }
  } = {},
): Promise<ApiUnderTest> {
  const { http, ...rest } = options
  const behind = office(rest)
  const note = (level: string) => (fields: object, message: string) => {
    behind.log.push({ level, message, error: (fields as { err?: unknown }).err })
  }
  const api = createRecalcApi(behind.service, {
    authorize,
    cooldownMs: 0,
    clock: behind.clock,
    logger: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
    ...http,
  } as RecalcApiOptions)
  const { url } = await serve(listenerOf(api.fetch))
  onTestFinished(() => behind.service.stop())
  return { ...behind, api, url, client: await ApiClient.connect(url, KEYS.acme, http?.basePath) }
}

/** Three days of everybody in acme. */
export const ALL = { tenant_id: 'acme', start_date: '2025-01-01', end_date: '2025-01-03' } as const
