import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A process of the host's that tells what it does, a line of JSON each. */
export class HostProcess<Orders, Report extends { readonly type: string }> implements AsyncDisposable {
  readonly reports: Report[] = []
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #listeners = new Set<() => void>()
  #errors = ''
  #over = false

  constructor(program: string) {
    const file = fileURLToPath(new URL(program, import.meta.url))
    this.#child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#ended = once(this.#child, 'close').then(() => {
      this.#over = true
      this.#notify()
    })
    this.#child.stdin?.on('error', () => {}) // it was killed before it could read
    this.#child.stderr?.on('data', (chunk) => {
      this.#errors += String(chunk)
    })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.reports.push(JSON.parse(line) as Report)
      this.#notify()
    })
  }

  /** What it complained of. */
  get errors(): string {
    return this.#errors
  }

  order(orders: Orders): void {
    this.#child.stdin?.write(`${JSON.stringify(orders)}\n`)
  }

  /** Resolves when it has told something of the given type. @throws when it ends without. */
  async told<Type extends Report['type']>(type: Type): Promise<Extract<Report, { type: Type }>> {
    for (;;) {
      const report = this.reports.find((one) => one.type === type)
      if (report) return report as Extract<Report, { type: Type }>
      if (this.#over) throw new Error(`Expected the process to tell "${type}", it ended:\n${this.#errors}`)
      await new Promise<void>((resolve) => this.#listeners.add(resolve))
    }
  }

  /** Resolves when it is no more, however that came. */
  async ended(): Promise<void> {
    await this.#ended
  }

  /** As `kill -9` does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** Holds it still, as a machine that is put to sleep, until the returned function is called. */
  freeze(): () => void {
    this.#child.kill('SIGSTOP')
    return () => void this.#child.kill('SIGCONT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  #notify(): void {
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener()
  }
}
