import { memoryBackend } from 'recalc-service'
import { backendConformance } from 'recalc-service/testing'
import { describe, test } from 'vitest'

const without = {
  employeeLocks: 'within one process the library itself locks employees, before the unit of work begins',
}

describe('memoryBackend keeps the contract of every backend', () => {
  for (const { name, skip, run } of backendConformance({ makeBackend: () => memoryBackend(), without })) {
    test(name, (context) => (skip === undefined ? run() : context.skip(skip)))
  }
})
