import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const examples = globSync('examples/http-*.ts', { cwd: root }).map((path) => [path])

// They import the built package, as a reader's copy does. The route handlers of http-next.ts are for Next to start.
test.each(examples)('%s runs to its end and leaves nothing open', async (path) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path], { cwd: root })
  expect(stderr).toBe('')
  if (path !== 'examples/http-next.ts') expect(stdout).toContain('completed_with_errors: 6199 days, 1 failed')
})
