import { describe, expect, it } from 'vitest'
import { divideHalfUp, hundredths } from '../../../../examples/productivity/scoring/arithmetic.ts'
import { fc } from '../../../support/fc.ts'

describe('divideHalfUp', () => {
  it('is half up exactly, for integers of any size', () => {
    const numerators = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    const denominators = fc.oneof(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    )
    fc.assert(
      fc.property(numerators, denominators, (numerator, denominator) => {
        const exact = (2n * BigInt(numerator) + BigInt(denominator)) / (2n * BigInt(denominator))
        expect(divideHalfUp(numerator, denominator)).toBe(Number(exact))
      }),
      { numRuns: 2_000 },
    )
    expect(divideHalfUp(Number.MAX_SAFE_INTEGER, 2)).toBe(2 ** 52)
  })
})

describe('hundredths', () => {
  it('takes a decimal of two places as it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99_999_999 }), (whole) => {
        expect(hundredths(whole / 100)).toBe(whole)
        expect(hundredths((whole / 100).toFixed(2))).toBe(whole)
      }),
    )
  })

  it.each([1.005, 0.001, 999_999.995, '2.675'])('refuses %s, which has a third one', (decimal) => {
    expect(() => hundredths(decimal)).toThrow(`Expected a decimal of at most two places, got ${decimal}`)
  })
})
