import type { JobEvent } from '../../jobs/job-events.ts'
import { type DescribeFailure, faultText } from './failure-text.ts'
import { resultView } from './result-view.ts'

/** An event as clients see it: everything it holds, in snake_case. */
export function eventView(event: JobEvent, describe: DescribeFailure): Readonly<Record<string, unknown>> {
  return snakeCased({ ...event, ...publicFields(event, describe), at: event.at.toISOString() })
}

/** Its name in a stream. */
export function eventName({ type }: JobEvent): string {
  if (type === 'failure') return 'error'
  return type === 'completed' ? 'complete' : type
}

/** Fields whose words may hold something of the inside, as clients may see them. */
function publicFields(event: JobEvent, describe: DescribeFailure): object {
  if (event.type === 'failure') return { message: describe(event) }
  if (event.type === 'retry') return { message: describe(faultText(event)) }
  return 'result' in event ? { result: resultView(event.result, describe) } : {}
}

function snakeCased(value: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [snakeCase(name), item]))
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
