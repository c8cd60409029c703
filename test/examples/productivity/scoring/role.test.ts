import { describe, expect, it } from 'vitest'
import { roleFrom, thresholdAfter } from '../../../../examples/productivity/scoring/role.ts'

const row = { id: 7, multiplier: '1.25', expected_per_hour: 64, idle_threshold_minutes: 4 } as const

describe('roleFrom', () => {
  it('takes what the type needs, and the multiplier in hundredths whatever the driver made of it', () => {
    expect(roleFrom({ ...row, role_type: 'batch' })).toEqual({
      id: 7,
      type: 'batch',
      multiplier: 125,
      expectedPerHour: 64,
    })
    expect(roleFrom({ ...row, role_type: 'continuous', multiplier: 4.35 })).toEqual({
      id: 7,
      type: 'continuous',
      multiplier: 435,
      idleThresholdMinutes: 4,
    })
  })

  it('refuses a row that lacks what its type needs', () => {
    expect(() => roleFrom({ ...row, role_type: 'batch', expected_per_hour: null })).toThrow(
      'Expected `expected_per_hour` of batch role 7 to be at least 1, got null',
    )
    expect(() => roleFrom({ ...row, role_type: 'batch', expected_per_hour: 0 })).toThrow('at least 1, got 0')
    expect(() => roleFrom({ ...row, role_type: 'continuous', idle_threshold_minutes: null })).toThrow('got null')
  })
})

describe('thresholdAfter', () => {
  it('rounds a batch’s threshold half up to the millisecond', () => {
    const role = roleFrom({ ...row, role_type: 'batch' })
    // 5 × 63 minutes / 64 = 295,312.5 ms
    expect(thresholdAfter({ role, items: 5 })).toBe(295_313)
  })

  it('may be nothing for continuous work', () => {
    expect(
      thresholdAfter({ role: roleFrom({ ...row, role_type: 'continuous', idle_threshold_minutes: 0 }), items: 9 }),
    ).toBe(0)
  })
})
