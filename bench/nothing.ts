import { dayStage, type EmployeeRepository } from 'recalc-service'

/** January 2025: 31 dates, one block. */
export const FROM = '2025-01-01'
export const TO = '2025-01-31'
export const DATES = 31

/** That many employees, made up page by page. */
export function employees(count: number): EmployeeRepository {
  const idOf = (number: number) => String(number).padStart(8, '0')
  return {
    async countEmployees() {
      return count
    },
    async listEmployees({ after, limit }) {
      const start = after === undefined ? 0 : Number(after) + 1
      const length = Math.max(0, Math.min(limit, count - start))
      return Array.from({ length }, (_, i) => ({ id: idOf(start + i) }))
    },
  }
}

/** A calculator of days that does nothing. */
export const nothingDaily = {
  async calculateDay(): Promise<void> {},
}

/** A bulk stage that does nothing: no day has a row. */
export const nothingStage = dayStage<never, undefined>({
  name: 'nothing',
  writes: ['nothing'],
  async load() {
    return undefined
  },
  calculate: () => null,
  async save() {},
})
