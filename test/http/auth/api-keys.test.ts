import { InvalidOptionsError } from 'recalc-service'
import { type Access, apiKeys } from 'recalc-service/http'
import { describe, expect, test } from 'vitest'

const everything: Access = { tenants: '*', actions: '*' }

async function accessOf(
  authorize: ReturnType<typeof apiKeys>,
  headers: Record<string, string>,
): Promise<Access | null> {
  return await authorize(new Request('http://localhost/', { headers }))
}

describe('apiKeys', () => {
  test('knows callers by their key and by nothing else', async () => {
    const acme: Access = { tenants: ['acme'], actions: ['read'] }
    const authorize = apiKeys({ first: everything, second: acme })
    expect(await accessOf(authorize, { 'X-API-Key': 'first' })).toEqual(everything)
    expect(await accessOf(authorize, { 'x-api-key': 'second' })).toEqual(acme)
    for (const key of ['', 'firs', 'first1', 'FIRST', 'first, second', 'toString', '__proto__', 'constructor']) {
      expect(await accessOf(authorize, { 'X-API-Key': key })).toBeNull()
    }
    expect(await accessOf(authorize, {})).toBeNull()
    expect(await accessOf(authorize, { Authorization: 'Bearer first' })).toBeNull()
  })

  test('does not hear of it when the configuration is changed afterwards', async () => {
    const tenants = ['acme']
    const keys: Record<string, Access> = { first: { tenants, actions: ['read'] } }
    const authorize = apiKeys(keys)
    tenants.push('globex')
    keys.second = everything
    expect(await accessOf(authorize, { 'X-API-Key': 'first' })).toEqual({ tenants: ['acme'], actions: ['read'] })
    expect(await accessOf(authorize, { 'X-API-Key': 'second' })).toBeNull()
  })

  test.each([
    ['no key at all', {}],
    ['an empty key', { '': everything }],
    ['a key with a blank', { 'a key': everything }],
    ['a key that no header can carry', { schlüssel: everything }],
    ['an environment variable that is not set', { [String(undefined)]: everything }],
    ['a list', [everything]],
    ['nothing', null],
    ['a key without access', { key: undefined }],
    ['an action that there is not', { key: { tenants: '*', actions: ['write'] } }],
    ['an empty tenant', { key: { tenants: [''], actions: '*' } }],
    ['an end that is no date', { key: { ...everything, expiresAt: '2026-01-01' } }],
    ['an end that is no time', { key: { ...everything, expiresAt: new Date('never') } }],
    ['tenants that are no list', { key: { tenants: 'acme', actions: '*' } }],
  ])('refuses %s', (_, keys) => {
    expect(() => apiKeys(keys as never)).toThrow(InvalidOptionsError)
  })

  test('repeats no key in what it says about a wrong one', () => {
    expect(() => apiKeys({ 'secret key': everything })).toThrow(expect.not.stringContaining('secret') as never)
    try {
      apiKeys({ 'secret key': everything })
    } catch (error) {
      expect(String(error)).not.toContain('secret')
    }
  })
})
