import type { Attributes } from '@opentelemetry/api'
import type { DayCounts, Operation, OperationEnd } from '../index.ts'

/** The name of an operation's span. It holds no id, so that spans of the same kind can be grouped. */
export function spanName(operation: Operation): string {
  switch (operation.type) {
    case 'run':
      return `recalc ${operation.kind}`
    case 'settle':
      return 'recalc settle'
    case 'block':
      return 'recalc block'
    case 'stage':
      return `recalc stage ${operation.stage}`
  }
}

/** What is known of an operation when it begins. */
export function spanAttributes(operation: Operation): Attributes {
  switch (operation.type) {
    case 'run': {
      const { runId, tenantId, kind, from, to, isJob } = operation
      return {
        'recalc.tenant.id': tenantId,
        [isJob ? 'recalc.job.id' : 'recalc.run.id']: runId,
        'recalc.run.kind': kind,
        'recalc.run.from': from,
        'recalc.run.to': to,
      }
    }
    case 'settle':
      return { 'recalc.tenant.id': operation.tenantId, 'recalc.employees': operation.employees }
    case 'block': {
      const { tenantId, employees, attempt } = operation
      return { 'recalc.tenant.id': tenantId, 'recalc.employees': employees, 'recalc.attempt': attempt }
    }
    case 'stage':
      return stageAttributes(operation)
  }
}

/** What a stage is told apart by, in spans and in metrics. */
export function stageAttributes({ stage, call }: Extract<Operation, { type: 'stage' }>): Attributes {
  return { 'recalc.stage.name': stage, 'code.function.name': call }
}

/** What is known of an operation once it has ended. */
export function endAttributes({ status, days, error }: OperationEnd): Attributes {
  return {
    ...(status !== undefined && { 'recalc.run.status': status }),
    ...(days && {
      'recalc.days.changed': days.changed,
      'recalc.days.unchanged': days.unchanged,
      'recalc.days.skipped': days.skipped,
      'recalc.days.failed': days.failed,
    }),
    ...errorAttributes(error),
  }
}

/** The kind of an error: its code, or the name of its class. Nothing when there is none. */
export function errorAttributes(error: unknown): Attributes {
  return error === undefined ? {} : { 'error.type': errorType(error) }
}

/** Employee-days by outcome, those that are none left out. */
export function outcomes(days: DayCounts): readonly (readonly [outcome: string, days: number])[] {
  return Object.entries(days).filter(([, count]) => count > 0)
}

function errorType(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER'
  const { code } = error as { readonly code?: unknown } // Node's and the library's own errors have one
  return typeof code === 'string' ? code : error.name
}
