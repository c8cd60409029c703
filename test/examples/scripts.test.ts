import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

function start(script: string): { readonly child: ChildProcess; output(): string; until(text: string): Promise<void> } {
  const child = spawn(process.execPath, [join('examples', script)], { cwd: root })
  let output = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
      for (const listener of listeners) listener()
    })
  }
  const until = (text: string) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!output.includes(text)) return
        listeners.delete(check)
        resolve()
      }
      listeners.add(check)
      check()
    })
  return { child, output: () => output, until }
}

test('the nightly script ends with 0 when all days are done', async () => {
  const { child, output } = start('nightly.ts')
  const [code] = await once(child, 'exit')
  expect(output()).toContain('completed: 15500 of 15500 days, 0 failed')
  expect(code).toBe(0)
})

test('the nightly script cancels gracefully on Ctrl-C and says so by its exit code', async () => {
  const { child, output, until } = start('nightly.ts')
  await until('0% (0 of 15500 days')
  child.kill('SIGINT')
  const [code] = await once(child, 'exit')
  expect(output()).toMatch(/cancelled: \d+ of 15500 days, 0 failed/)
  expect(code).toBe(130)
})

test('change hooks settle every day, of both employees, that a moved booking touches, and no other', async () => {
  const { child, output } = start('change-hooks.ts')
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
  expect(output()).toContain('(3 days calculated)\n  ada: 02-03 0, 02-04 480, 02-05 480, 02-06 480, 02-07 480\n')
  expect(output()).toContain('  bob: 02-04 480, 02-05 480, 02-06 480, 02-07 480\n')
  expect(output()).toContain('left to settle: 0\n')
})
