import type { Logger } from 'recalc-service'
import { expect, test } from 'vitest'
import { harmlessLogger, loggerWith } from '../../src/pipeline/logger.ts'

function recorder(own: object = {}, child?: Logger['child']) {
  const lines: object[] = []
  const line = (fields: object, message: string) => void lines.push({ ...own, ...fields, message })
  const logger: Logger = { debug: line, info: line, warn: line, error: line, ...(child && { child }) }
  return { lines, logger }
}

test('a logger that makes children is asked for one', () => {
  const child = recorder({ childOf: 'acme' })
  const { logger } = recorder({}, () => child.logger)
  loggerWith(harmlessLogger(logger), { jobId: 'j' }).info({ runs: 1 }, 'Job started')
  expect(child.lines).toEqual([{ childOf: 'acme', runs: 1, message: 'Job started' }])
})

test('without children the fields are in each line', () => {
  const { logger, lines } = recorder()
  loggerWith(harmlessLogger(logger), { jobId: 'j' }).warn({ stage: 's' }, 'late')
  expect(lines).toEqual([{ jobId: 'j', stage: 's', message: 'late' }])
})

test('a child that cannot be made, or that throws, costs no line of the others and no recalculation', () => {
  const broken = recorder({}, () => {
    throw new Error('no child')
  })
  loggerWith(harmlessLogger(broken.logger), { jobId: 'j' }).info({}, 'Job started')
  expect(broken.lines).toEqual([{ jobId: 'j', message: 'Job started' }])
  const fail = () => {
    throw new Error('full')
  }
  const { logger } = recorder({}, () => ({ debug: fail, info: fail, warn: fail, error: fail }))
  expect(() => loggerWith(harmlessLogger(logger), {}).error({}, 'x')).not.toThrow()
})
