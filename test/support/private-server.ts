import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How a server's program is run. */
export interface ServerProgram {
  readonly name: string
  readonly file: string
  readonly options: readonly string[]
  /** In its log, once it takes connections. */
  readonly readyLine: string
  /** What ends it in order, without waiting for its clients. Default SIGTERM. */
  readonly shutDownSignal?: NodeJS.Signals
  /** What ends it at once, as a crash does. Default SIGKILL. */
  readonly killSignal?: NodeJS.Signals
}

/** A server of its own: own data folder, reached over the loopback only. */
export interface PrivateServer {
  readonly port: number
  /** The server's process; another one after each restart. */
  readonly pid: number
  /** Asks the server to shut down and waits until it has. Its data stays. */
  shutDown(): Promise<void>
  /** Kills the server as `kill -9` does. Its data stays. */
  kill(): Promise<void>
  /** Starts the server again, on the same port and data; shuts it down first when it runs. */
  restart(): Promise<void>
  /** Ends the server and removes its data. */
  stop(): Promise<void>
}

/**
 * Starts a private server. It ends, and its data goes, with this process at the latest, however that one dies.
 *
 * @param programIn Makes the folder ready that it is given, and tells how the server is run in it.
 */
export async function startPrivateServer(
  name: string,
  programIn: (folder: string, port: number) => ServerProgram | Promise<ServerProgram>,
): Promise<PrivateServer> {
  const folder = await mkdtemp(join(tmpdir(), `recalc-${name}-`))
  const keeper = keep(folder)
  try {
    const port = await freePort()
    const server = new Server(keeper, await programIn(folder, port), port)
    await server.restart()
    return server
  } catch (error) {
    await keeper.end()
    throw error
  }
}

class Server implements PrivateServer {
  readonly port: number
  readonly #keeper: Keeper
  readonly #program: ServerProgram
  #process: ChildProcess | undefined

  constructor(keeper: Keeper, program: ServerProgram, port: number) {
    this.#keeper = keeper
    this.#program = program
    this.port = port
  }

  get pid(): number {
    const pid = this.#process?.pid
    if (pid === undefined) throw new Error('Expected the server to run, it was ended: call restart()')
    return pid
  }

  async restart(): Promise<void> {
    await this.shutDown()
    const { file, options } = this.#program
    // A process group of its own: Ctrl-C ends the tests, and the keeper the server.
    const child = spawn(file, options, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = child
    if (child.pid !== undefined) this.#keeper.watch(child.pid)
    child.unref()
    await ready(child, this.#program)
  }

  shutDown(): Promise<void> {
    return this.#signal(this.#program.shutDownSignal ?? 'SIGTERM')
  }

  kill(): Promise<void> {
    return this.#signal(this.#program.killSignal ?? 'SIGKILL')
  }

  async stop(): Promise<void> {
    await this.kill()
    await this.#keeper.end()
  }

  async #signal(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.ref()
    child.kill(signal)
    await ended
  }
}

/** Resolves when the server takes connections. */
async function ready(child: ChildProcess, { name, readyLine }: ServerProgram): Promise<void> {
  const logs = [child.stdout, child.stderr].filter((stream) => stream !== null)
  let log = ''
  await new Promise<void>((resolve, reject) => {
    const failed = (why: unknown) => reject(new Error(`${name} did not start (${String(why)}):\n${log.slice(-4_000)}`))
    child.once('error', failed)
    child.once('exit', (code, signal) => failed(code ?? signal))
    for (const stream of logs) {
      stream.on('data', (chunk) => {
        log = log.slice(-4_000) + String(chunk)
        if (log.includes(readyLine)) resolve()
      })
    }
  })
  for (const stream of logs) if ('unref' in stream && typeof stream.unref === 'function') stream.unref()
}

interface Keeper {
  watch(pid: number): void
  end(): Promise<void>
}

/**
 * A shell that waits until its input ends, which it does when this process dies, whatever of; then it kills the server
 * that it was told of last and removes the folder.
 */
function keep(folder: string): Keeper {
  const script = `
    while read -r line; do pid=$line; done
    if [ -n "$pid" ] && kill -9 "$pid" 2>/dev/null; then
      for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    fi
    rm -rf -- "$1"`
  const child = spawn('/bin/sh', ['-c', script, 'sh', folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  const ended = once(child, 'exit')
  child.unref()
  const { stdin } = child
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
  return {
    watch: (pid) => void stdin.write(`${pid}\n`),
    async end() {
      child.ref()
      stdin.end()
      await ended
    },
  }
}

/**
 * A free port below those that outgoing connections get: a client that tries to reach a server that is down could be given
 * the server's port, and would then talk to itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const probe = createServer()
    const free = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
    })
    if (free) return port
  }
}
