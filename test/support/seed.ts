import { afterEach } from 'vitest'

/** What all that a test file leaves to chance comes from. */
export const seed = Number(process.env.RECALC_TEST_SEED ?? Math.floor(Math.random() * 1_000_000))

afterEach(({ task }) => {
  if (task.result?.state !== 'fail') return
  const long = process.env.RECALC_TEST_LONG === undefined ? '' : '--config vitest.chaos.config.ts '
  console.error(
    `To repeat it: RECALC_TEST_SEED=${seed} npx vitest run ${long}${task.file.name} -t ${JSON.stringify(task.name)}`,
  )
})
