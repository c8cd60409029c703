import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A Redis of its own on a free port of the loopback, gone at the end. */
export interface RedisServer {
  readonly port: number
  stop(): Promise<void>
}

/** Starts a private Redis without persistence; root on Debian gets it installed when it is missing. */
export async function startRedis(): Promise<RedisServer> {
  if (!isInstalled()) install()
  const folder = mkdtempSync(join(tmpdir(), 'recalc-redis-'))
  const port = await freePort()
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
  const server = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise<void>((resolve, reject) => {
    server.once('exit', (code) => reject(new Error(`redis-server ended with ${code} before it was ready`)))
    server.stdout.on('data', (chunk) => String(chunk).includes('Ready to accept connections') && resolve())
  })
  return {
    port,
    async stop() {
      const ended = new Promise((resolve) => server.once('close', resolve))
      server.kill()
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function isInstalled(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function install(): void {
  try {
    execFileSync('apt-get', ['-qq', 'update'], { stdio: 'ignore' })
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
    execFileSync('apt-get', ['-qq', 'install', '--yes', '--no-install-recommends', 'redis-server'], {
      env,
      stdio: 'ignore',
    })
  } catch (cause) {
    throw new Error('Expected redis-server on the PATH; install it (Debian: apt-get install redis-server)', { cause })
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}
