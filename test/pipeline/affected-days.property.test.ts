import fc from 'fast-check'
import { expect, test } from 'vitest'
import { affectedReach, directReach } from '../../src/pipeline/affected-days.ts'
import { pipelineOf } from '../../src/pipeline/pipeline.ts'
import { pipelines, SOURCES, stagesOf } from '../changes/support/random-pipeline.ts'

/** Days around the change that a model looks at. */
const SPAN = 200

test('the days of each stage that a change touches are those that a walk along the reads finds', async () => {
  await fc.assert(
    fc.property(pipelines, fc.constantFrom(...SOURCES), (model, source) => {
      const pipeline = pipelineOf(undefined, stagesOf(model)) as never
      const touched = new Map<string, Set<number>>()
      for (const { name, sources, stages, carries } of model) {
        const days = new Set<number>()
        for (let day = -SPAN; day <= SPAN; day++) {
          const own = sources[source]
          const readsSource = own !== undefined && day + own[0] <= 0 && 0 <= day + own[1]
          const readsStage = stages.some(({ place, offsets: [first, last] }) =>
            range(day + first, day + last).some((read) => touched.get(`s${place}`)?.has(read)),
          )
          if (readsSource || readsStage || (carries && days.has(day - 1))) days.add(day)
        }
        touched.set(name, days)
      }

      const reach = affectedReach(pipeline, source)
      for (const [name, days] of touched) {
        const found = reach.get(name)
        if (days.size === 0) {
          expect(found).toBeUndefined()
          continue
        }
        const [first, last] = [Math.min(...days), Math.max(...days)]
        expect(found?.first).toBe(first)
        expect(found?.last).toBe(last === SPAN ? Number.POSITIVE_INFINITY : last)
      }
      for (const [name, { first, last }] of directReach(pipeline, source)) {
        expect(first).toBeGreaterThanOrEqual(reach.get(name)?.first ?? Number.NaN)
        expect(last).toBeLessThanOrEqual(reach.get(name)?.last ?? Number.NaN)
      }
    }),
  )
})

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
