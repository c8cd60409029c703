import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { startMariadb } from '../../support/mariadb-server.ts'
import { startPostgres } from '../../support/postgres-server.ts'
import { startRedis } from '../../support/redis-server.ts'

const run = promisify(execFile)
const redis = await startRedis()
afterAll(() => redis.stop())

test.each([
  ['MariaDB', startMariadb],
  ['PostgreSQL', startPostgres],
])('workers share a job on %s, and those that are left finish it when two are killed', async (_, start) => {
  const server = await start()
  const options = ['--database', `${server.url}/cluster`, '--redis', redis.url, '--employees', '100']
  const { stdout } = await run(process.execPath, ['examples/cluster/run.ts', ...options])
  expect(stdout).toContain('completed: 9000 of 9000 days')
  expect(stdout.match(/is killed in the middle/g)).toHaveLength(2)
  expect(stdout.match(/has calculated/g)!.length).toBeGreaterThan(1)
  expect(stdout).toContain('Every balance is right.')
  await server.stop()
})

test('says what it needs', async () => {
  await expect(run(process.execPath, ['examples/cluster/run.ts'])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('npm run demo:cluster -- --database URL --redis URL'),
  })
})
