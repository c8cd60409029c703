import { expect, it } from 'vitest'
import { commandToResume } from '../../../../examples/shared/demo/resume.ts'

it('the command that goes on is the same again with the job, which it names once', () => {
  expect(commandToResume('demo', ['--days', '3', '--sqlite', 'my file.db'], 'j-1')).toBe(
    'npm run demo -- --days 3 --sqlite "my file.db" --resume j-1',
  )
  expect(commandToResume('demo', ['--mysql', 'mysql://u:p@h/d', '--resume=j-1'], 'j-1')).toBe(
    'npm run demo -- --mysql mysql://u:p@h/d --resume=j-1',
  )
})
