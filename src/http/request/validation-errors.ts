import type { z } from 'zod'
import { describe, expected } from '../../expectation.ts'
import type { ValidationError } from '../response/problem.ts'

/** What a schema has against a value, one sentence per field. */
export function validationErrorsOf(issues: readonly z.core.$ZodIssue[], value: unknown): readonly ValidationError[] {
  return issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownField(pathText([...issue.path, key])))
    const field = pathText(issue.path)
    if (field === '' && value === undefined)
      return [{ field, message: `Expected ${issue.message} as the body, got none` }]
    return [{ field, message: expected(field === '' ? 'body' : field, issue.message, valueAt(value, issue.path)) }]
  })
}

function unknownField(field: string): ValidationError {
  return { field, message: `${describe(field)} is not known` }
}

/** `['employee_ids', 3]` is `employee_ids[3]`; a name that goes on forever is cut. */
function pathText(path: readonly PropertyKey[]): string {
  const text = path.reduce<string>((before, step) => {
    if (typeof step === 'number') return `${before}[${step}]`
    return before === '' ? String(step) : `${before}.${String(step)}`
  }, '')
  return text.length > 100 ? `${text.slice(0, 97)}...` : text
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Readonly<Record<PropertyKey, unknown>>)[step] // an own property of an object
  }
  return found
}
