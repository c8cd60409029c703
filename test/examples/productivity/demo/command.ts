import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../../../..', import.meta.url))

/** How the command ended. */
export interface Outcome {
  /** Null: it was killed. */
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

/** A demo in a process of its own. */
export interface Demo {
  /** Resolves with what matches, once it is in the output. @throws when the command ends without. */
  until(pattern: RegExp): Promise<RegExpExecArray>
  signal(signal: NodeJS.Signals): void
  readonly ended: Promise<Outcome>
}

/** Runs `npm run demo` with the given options, as it was built; ends with the test at the latest. */
export function startDemo(...options: readonly string[]): Demo {
  const child = spawn(process.execPath, ['examples/productivity/main.ts', ...options], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  let errors = ''
  let isOver = false
  const listeners = new Set<() => void>()
  const notify = () => {
    for (const listener of listeners) listener()
  }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
    notify()
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk
  })
  const ended = once(child, 'close').then(([code]: (number | null)[]) => {
    isOver = true
    notify()
    return { code: code ?? null, output, errors }
  })
  return {
    ended,
    signal: (signal) => void child.kill(signal),
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(output)
          if (!match && !isOver) return
          listeners.delete(look)
          if (match) resolve(match)
          else reject(new Error(`Expected ${pattern} in the output, got:\n${output}${errors}`))
        }
        listeners.add(look)
        look()
      }),
  }
}

/** The command from its beginning to its end. */
export function runDemo(...options: readonly string[]): Promise<Outcome> {
  return startDemo(...options).ended
}
