import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Tables } from '../../../examples/productivity/schema/tables.ts'
import { openSqlite } from '../../../examples/shared/database/sqlite.ts'
import { type Demo, runDemo, startDemo } from './demo/command.ts'
import { derivedRows } from './support/derived-rows.ts'

const folder = await mkdtemp(join(tmpdir(), 'recalc-demo-'))
afterAll(() => rm(folder, { recursive: true }))

/** So much that there is time to disturb it. */
const large = ['--employees', '400', '--days', '20']

/** Everything that is derived in a SQLite file. */
async function derivedIn(path: string) {
  const db = openSqlite<Tables>(path)
  try {
    return await derivedRows(db)
  } finally {
    await db.destroy()
  }
}

/** What a large run gives that nobody disturbs; it is made once. */
const undisturbed = (() => {
  let rows: ReturnType<typeof derivedIn> | undefined
  const path = join(folder, 'undisturbed.db')
  const make = async () => {
    expect((await runDemo(...large, '--sqlite', path)).code).toBe(0)
    return derivedIn(path)
  }
  return () => {
    rows ??= make()
    return rows
  }
})()

/** Resolves with the job's id when the demo is in the middle of it. */
async function inMidJob(demo: Demo): Promise<string> {
  const [, jobId] = await demo.until(/^Job: (\S+)\n/m)
  await demo.until(/^ *[1-9]\d?% +\d+ of 8000 days/m)
  return jobId!
}

describe('npm run demo, in the middle of its job,', () => {
  it('goes on after kill -9 with --resume, and ends with the same tables as if nothing had happened', async () => {
    const expected = await undisturbed()
    const path = join(folder, 'killed.db')
    const demo = startDemo(...large, '--sqlite', path)
    const jobId = await inMidJob(demo)
    demo.signal('SIGKILL')
    const killed = await demo.ended
    expect(killed.code).toBeNull()
    expect(killed.output).not.toContain('completed')
    expect(await derivedIn(path)).not.toEqual(expected)

    const anew = await runDemo(...large, '--sqlite', path)
    expect(anew.code).toBe(2)
    expect(anew.errors).toContain(
      `To go on with it: npm run demo -- ${large.join(' ')} --sqlite ${path} --resume ${jobId}\n`,
    )

    // What was made up, and from when it is seen, is known from the database.
    const resumed = await runDemo('--sqlite', path, '--resume', jobId)
    expect(resumed).toMatchObject({ code: 0 })
    expect(resumed.output).toContain('Waiting for the lease of the process that worked on it to run out\n')
    expect(resumed.output).toMatch(/^completed: 8,000 of 8,000 employee-days/m)
    expect(await derivedIn(path)).toEqual(expected)

    const again = await runDemo(...large, '--sqlite', path, '--resume', jobId)
    expect(again).toMatchObject({ code: 2, errors: `Job ${jobId} cannot be resumed: it is completed\n` })
  })

  it('cancels on Ctrl-C, and says how to go on', async () => {
    const path = join(folder, 'cancelled.db')
    const demo = startDemo(...large, '--sqlite', path)
    const jobId = await inMidJob(demo)
    demo.signal('SIGINT')
    const { code, output } = await demo.ended
    expect(code).toBe(1)
    expect(output).toMatch(/^cancelled: [\d,]+ of 8,000 employee-days/m)
    const [, options] = /^To go on: npm run demo -- (.*)\n$/m.exec(output)!
    expect(options).toBe(`${large.join(' ')} --sqlite ${path} --resume ${jobId}`)

    expect(await runDemo(...options!.split(' '))).toMatchObject({ code: 0 })
    expect(await derivedIn(path)).toEqual(await undisturbed())
  })

  it('cancels in memory, too, where nothing can go on', async () => {
    const demo = startDemo(...large)
    await demo.until(/^ *[1-9]\d?% +\d+ of 8000 days/m)
    demo.signal('SIGINT')
    const { code, output } = await demo.ended
    expect(code).toBe(1)
    expect(output).toMatch(/^cancelled: /m)
    expect(output).not.toContain('To go on')
  })
})
