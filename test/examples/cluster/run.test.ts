import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { startPostgres } from '../../support/postgres-server.ts'
import { startRedis } from '../../support/redis-server.ts'

const run = promisify(execFile)
const given = await Promise.all([startPostgres(), startRedis()])
const [postgres, redis] = given
afterAll(async () => {
  for (const server of given) await server.stop()
})

test.each([
  ['MariaDB and Redis of its own', ['--database', 'mariadb']],
  ['a PostgreSQL and a Redis that run', ['--database', `${postgres.url}/cluster`, '--redis', redis.url]],
])(
  'on %s, workers share a job, and others finish what one that is killed and one that sleeps had in hand',
  async (_, servers) => {
    const { stdout } = await run(process.execPath, ['examples/cluster/run.ts', ...servers, '--employees', '100'])
    expect(stdout).toContain('completed: 9000 of 9000 days')
    expect(stdout.match(/is killed in the middle/g)).toHaveLength(1)
    expect(stdout.match(/stands still/g)).toHaveLength(1)
    expect(stdout.match(/has calculated/g)!.length).toBeGreaterThan(1)
    expect(stdout).toContain('Every balance is right.')
  },
)

test.each([[['--workers', '2']], [['--database', 'sqlite']]])(
  'says what it needs when it is given %j',
  async (options) => {
    await expect(run(process.execPath, ['examples/cluster/run.ts', ...options])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('npm run demo:cluster'),
    })
  },
)
