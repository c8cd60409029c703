import { expect, test } from 'vitest'
import { fc } from '../../support/fc.ts'
import { runs } from '../../support/runs.ts'
import { seed } from '../../support/seed.ts'
import { type Answered, AttackedApi } from './support/attacked-api.ts'
import { type HostileRequest, hostileRequest } from './support/hostile-request.ts'

/** Far more than any answer takes, on a machine with much else to do. */
const DEADLINE_MS = 60_000

/** Answers to one request in thirty, and to one in a thousand. */
const COMMON = [200, 201, 400, 401, 403, 404, 405, 415]
const RARE = [202, 204, 409, 413, 422]

/** How a body gets there: at once, in pieces, or not all of it. */
const delivery = fc.constantFrom('whole', 'whole', 'whole', 'whole', 'pieces', 'pieces', 'broken')

async function answerTo(
  { api }: AttackedApi,
  { method, path, headers, body }: HostileRequest,
  how: 'whole' | 'pieces' | 'broken',
): Promise<Answered> {
  const init = { method, headers: new Headers(headers), body: body && (how === 'whole' ? body : piecesOf(body, how)) }
  const request = new Request(`http://localhost${path}`, { ...init, duplex: 'half' } as RequestInit)
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`No answer within ${DEADLINE_MS} ms`)), DEADLINE_MS)
  const answer = async () => {
    const response = await api.fetch(request)
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  return await Promise.race([answer(), late]).finally(() => clearTimeout(timer))
}

function piecesOf(body: Buffer, how: 'pieces' | 'broken'): ReadableStream<Uint8Array> {
  const size = Math.max(1, Math.ceil(body.length / 3))
  let sent = 0
  return new ReadableStream({
    pull(controller) {
      if (sent < body.length) controller.enqueue(body.subarray(sent, sent + size))
      else if (how === 'broken') controller.error(new Error('The client is gone'))
      else controller.close()
      sent += size
    },
  })
}

test('of very many requests none is answered with a 5xx, hangs, or starts what it did not ask for', async () => {
  const numRuns = runs(1_500, 10_000)
  const attacked = await AttackedApi.open()
  const statuses = new Map<number, number>()
  const attack = fc.asyncProperty(hostileRequest, delivery, async (request, how) => {
    const aimed = attacked.aimed(request)
    const answered = await answerTo(attacked, aimed, how)
    statuses.set(answered.status, (statuses.get(answered.status) ?? 0) + 1)
    attacked.judge(how === 'broken' ? { ...aimed, body: Buffer.from('null') } : aimed, answered)
  })
  await fc.assert(attack, { numRuns, seed })
  expect(attacked.logged).toEqual([])
  // The requests did get somewhere.
  const expected = [...COMMON, ...(numRuns >= 10_000 ? RARE : [])]
  expect(expected.filter((status) => !statuses.has(status))).toEqual([])
  expect(attacked.started).toBeGreaterThan(numRuns / 100)
})
