import { type PrivateServer, startPrivateServer } from './private-server.ts'
import { installPackages, which } from './programs.ts'

const PACKAGE = 'redis-server'

/** A Redis of its own, without a password; what is in it goes with it. */
export interface RedisServer extends PrivateServer {
  readonly url: string
}

/**
 * Starts a private Redis; root on Debian or Ubuntu gets it installed when it is missing. It ends with this process at the
 * latest, however that one dies.
 *
 * @throws {Error} that says what to install or to set.
 */
export async function startRedis(settings: readonly string[] = []): Promise<RedisServer> {
  const file = await redisProgram()
  const server = await startPrivateServer('redis', (folder, port) => {
    const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
    const options = [...own, '--save', '', '--appendonly', 'no', ...settings]
    return { name: 'Redis', file, options, readyLine: 'Ready to accept connections' }
  })
  return Object.assign(server, { url: `redis://127.0.0.1:${server.port}` })
}

async function redisProgram(): Promise<string> {
  const present = which('redis-server')
  if (present !== undefined) return present
  await installPackages([PACKAGE])
  const installed = which('redis-server')
  if (installed !== undefined) return installed
  throw new Error(
    `Expected redis-server on the PATH, found none. Install Redis 6 or later (Debian, Ubuntu: apt-get install ${PACKAGE}; ` +
      'Homebrew: brew install redis), or set RECALC_TEST_REDIS_URL to a server of which tests may empty databases, such as ' +
      'redis://127.0.0.1:6379',
  )
}
