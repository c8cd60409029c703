// Runs every example the way a reader would, and fails with the first that does not end well.
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const examples = globSync(['examples/*.ts', 'examples/*/main.ts']).sort()
if (examples.length === 0) throw new Error('Expected examples/ to hold examples, found none')

// Files that examples keep between runs are not those of another run, or of another version.
const folder = mkdtempSync(join(tmpdir(), 'recalc-examples-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

for (const example of examples) {
  console.log(`\n$ node ${example}`)
  const { status, signal } = spawnSync(process.execPath, [example], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, TMPDIR: folder },
    timeout: 180_000,
  })
  if (status !== 0) throw new Error(`${example} ended with ${signal ?? `exit code ${status}`}`)
}
console.log(`\n${examples.length} examples ran`)
