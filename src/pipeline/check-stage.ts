import { InvalidOptionsError } from '../errors.ts'
import { expected, hasMethods, isPlainObject, unknownProperty } from '../expectation.ts'

const FUNCTIONS = {
  day: ['load', 'calculate', 'save'],
  period: ['load', 'calculate', 'save'],
  tenant: ['run'],
} as const

type Kind = keyof typeof FUNCTIONS

const FUNCTIONS_KEEPING_NOTHING = ['load', 'calculate'] as const

/** Those that a stage may do without. */
const OPTIONAL_FUNCTIONS = ['stored', 'latest', 'isEqual', 'carries'] as const

/** `kind` is there when a made stage is spread into another. */
const MEMBERS = {
  day: [
    'kind',
    'name',
    'title',
    'reads',
    'writes',
    'load',
    'calculate',
    'stored',
    'previousMissing',
    'latest',
    'isEqual',
    'carries',
    'save',
  ],
  period: [
    'kind',
    'name',
    'title',
    'period',
    'reads',
    'writes',
    'load',
    'calculate',
    'stored',
    'isEqual',
    'carries',
    'save',
  ],
  tenant: ['kind', 'name', 'title', 'reads', 'writes', 'run'],
} as const

/**
 * Refuses what `dayStage(…)`, `periodStage(…)` or `tenantStage(…)` could not have made of a sound definition.
 *
 * @throws {InvalidOptionsError} that names the value, under `name`, and what was expected of it.
 */
export function checkStage(name: string, stage: unknown): void {
  const { kind, name: stageName, writes, reads } = (stage ?? {}) as Record<string, unknown> // or has none of these
  if (kind !== 'day' && kind !== 'period' && kind !== 'tenant') {
    refuse(name, 'made by dayStage(…), periodStage(…) or tenantStage(…)', stage)
  }
  if (typeof stageName !== 'string' || stageName === '') refuse(`${name}.name`, 'a non-empty string', stageName)
  if (!isTables(writes)) refuse(`${name}.writes`, 'an array of table names', writes)
  checkFunctions(name, stage, kind)
  if (kind === 'tenant') {
    if (!isTables(reads)) refuse(`${name}.reads`, 'an array of table names', reads)
    return
  }
  if (kind === 'day') {
    if (reads === undefined) refuse(`${name}.reads`, 'an object of tables and days', reads)
    checkReads(name, reads)
    return
  }
  checkPeriod(name, stage)
  checkPeriodReads(name, reads)
}

/** Refuses `reads` of a period stage that name no periods. */
function checkPeriodReads(name: string, reads: unknown): void {
  if (!isPlainObject(reads)) refuse(`${name}.reads`, 'an object of tables and periods', reads)
  for (const [table, offsets] of Object.entries(reads)) {
    if (offsets === 'period' || isOffsets(offsets)) continue
    refuse(`${name}.reads.${table}`, "'period', or [first, last] relative to the period calculated", offsets)
  }
}

/** Refuses `reads` that name no days. @throws {InvalidOptionsError} */
export function checkReads(name: string, reads: unknown): void {
  if (reads !== undefined && !isPlainObject(reads)) refuse(`${name}.reads`, 'an object of tables and days', reads)
  for (const [table, offsets] of Object.entries(reads ?? {})) {
    if (isOffsets(offsets)) continue
    refuse(`${name}.reads.${table}`, '[first, last], whole days or infinities, relative to the day calculated', offsets)
  }
}

/** Refuses a definition that was misspelled, or that could not work. */
export function checkDefinition(name: string, definition: unknown, kind: Kind): void {
  checkFunctions(name, definition, kind)
  const members = MEMBERS[kind]
  // An instance of a class may have members of its own.
  const unknown = isPlainObject(definition) ? unknownProperty(definition, members) : undefined
  if (unknown !== undefined) refuse(name, `made of ${members.join(', ')}: \`${unknown}\` is not known`, definition)
  const { writes, save } = definition as { readonly writes?: unknown; readonly save?: unknown }
  if (kind === 'day' && save !== undefined && Array.isArray(writes) && writes.length === 0) {
    refuse(`${name}.writes`, 'the tables that `save` writes', writes)
  }
  if (kind === 'period') checkPeriod(name, definition)
  if (kind === 'day') checkPrevious(name, definition as Readonly<Record<string, unknown>>) // has functions, as was just checked
}

function checkPeriod(name: string, definition: unknown): void {
  const { period, writes } = definition as { readonly period?: unknown; readonly writes?: unknown }
  if (!isTables(writes) || (writes as readonly string[]).length === 0) {
    refuse(`${name}.writes`, 'the tables that `save` writes', writes)
  }
  if (period === 'month' || period === 'week' || hasMethods(period, ['startOf', 'endOf'])) return
  refuse(`${name}.period`, "'month', 'week' or an object with startOf() and endOf()", period)
}

const PREVIOUS_MISSING: readonly unknown[] = [undefined, 'restart', 'latest', 'fail']

function checkPrevious(name: string, { previousMissing, latest }: Readonly<Record<string, unknown>>): void {
  if (!PREVIOUS_MISSING.includes(previousMissing)) {
    refuse(`${name}.previousMissing`, "'restart', 'latest' or 'fail'", previousMissing)
  }
  if ((previousMissing === 'latest') !== (typeof latest === 'function')) {
    refuse(`${name}.latest`, "a function, there together with `previousMissing: 'latest'`", latest)
  }
}

/** Refuses a definition that lacks a function that its kind of stage cannot do without. */
function checkFunctions(name: string, stage: unknown, kind: Kind): void {
  const { writes, save } = (stage ?? {}) as Record<string, unknown> // or has none of these
  const keepsNothing = kind === 'day' && Array.isArray(writes) && writes.length === 0 && save === undefined
  const functions = keepsNothing ? FUNCTIONS_KEEPING_NOTHING : FUNCTIONS[kind]
  if (!hasMethods(stage, functions)) {
    refuse(name, `an object with ${functions.map((method) => `${method}()`).join(', ')}`, stage)
  }
  for (const method of OPTIONAL_FUNCTIONS) {
    const own = (stage as Readonly<Record<string, unknown>>)[method] // has methods, as was just checked
    if (own !== undefined && own !== null && typeof own !== 'function') {
      refuse(`${name}.${method}`, 'a function, or left out', own)
    }
  }
}

function isTables(value: unknown): boolean {
  return Array.isArray(value) && value.every((table) => typeof table === 'string' && table !== '')
}

function isOffsets(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [first, last] = value as unknown[]
  const isFirst = Number.isSafeInteger(first) || first === Number.NEGATIVE_INFINITY
  const isLast = Number.isSafeInteger(last) || last === Number.POSITIVE_INFINITY
  return isFirst && isLast && Number(first) <= Number(last)
}

function refuse(name: string, expectation: string, value: unknown): never {
  throw new InvalidOptionsError(expected(name, expectation, value))
}
