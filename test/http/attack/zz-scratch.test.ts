import { memoryBackend } from 'recalc-service'
import { createRecalcApi } from 'recalc-service/http'
import { expect, test } from 'vitest'
import { office } from '../../jobs/support/office.ts'
import { gate } from '../../support/gate.ts'
import { authorize, KEYS, ALL } from '../support/reception.ts'
import { BASE } from '../support/server.ts'
import { changedStore } from '../../jobs/support/changed-store.ts'

function setup(o: any = {}) {
  const behind = office(o)
  const api = createRecalcApi(behind.service, { authorize, cooldownMs: 0, logger: { debug() {}, info() {}, warn() {}, error(f: any, m: any) { console.log('LOG', m, String(f.error?.stack).slice(0, 300)) } } , ...o.http })
  const post = (path: string, body: string, h = {}) => api.fetch(new Request('http://localhost' + BASE + path, { method: 'POST', headers: { 'X-API-Key': KEYS.acme, 'Content-Type': 'application/json', ...h }, body }))
  const get = (path: string) => api.fetch(new Request('http://localhost' + BASE + path, { headers: { 'X-API-Key': KEYS.acme } }))
  return { ...behind, api, post, get }
}
test('first answers', async () => {
  const { post, service } = setup({ backend: memoryBackend({ maxJobs: 1 }), exclusive: 'none' })
  const key = { 'Idempotency-Key': 'k' }
  const a = await (await post('/', JSON.stringify(ALL), key)).json() as any
  await (await service.openJob(a.job_id)).result
  for (let i = 0; i < 3; i++) { const b = await (await post('/', JSON.stringify(ALL))).json() as any; await (await service.openJob(b.job_id)).result }
  const c = await (await post('/', JSON.stringify({ ...ALL, end_date: '2025-01-01' }), key)).json() as any
  console.log(a, c)
})
test('dead db', async () => {
  let dead = false
  const backend = changedStore(memoryBackend(), (jobs) => ({
    get: async (id) => { if (dead) throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:3306'), { code: 'ECONNREFUSED', errno: -111 }); return jobs.get(id) },
  }))
  const { post, get } = setup({ backend })
  const a = await (await post('/', JSON.stringify(ALL))).json() as any
  dead = true
  const r = await get('/status/' + a.job_id)
  console.log(r.status, await r.text())
})
test('gaps', async () => {
  const g = gate()
  const { post, get, failing } = setup({ backend: memoryBackend({ maxEvents: 5 }), staff: Array.from({ length: 30 }, (_, i) => `e${String(i).padStart(2, '0')}`), progressIntervalMs: 0, calculate: () => g.pass() })
  for (let i = 0; i < 30; i++) for (const d of ['01', '02', '03']) failing.add(`e${String(i).padStart(2, '0')} 2025-01-${d}`)
  const a = await (await post('/', JSON.stringify(ALL))).json() as any
  await g.arrived
  const r = await get('/stream/' + a.job_id)
  const text = r.text()
  g.open()
  const t = setTimeout(() => { console.log('alive') }, 1000)
  console.log((await text).slice(-500))
}, 10_000)
