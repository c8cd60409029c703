import { codeOf, messageOf } from '../../run/failure.ts'
import { jsonFormOfParts } from '../../run/json-form.ts'
import type { ResolvedApiOptions } from '../options.ts'
import { faultText } from '../response/failure-text.ts'

type Line = { readonly type: string } & Readonly<Record<string, unknown>>

/**
 * Lines as JSON, or as server-sent events named by their type. What goes wrong behind the first line is the last one, of type
 * `error`.
 */
export async function* textsOf(
  lines: AsyncIterable<Line>,
  { describeFailure, logger }: ResolvedApiOptions,
  isEvents: boolean,
): AsyncGenerator<string, undefined> {
  const text = (line: Line) => {
    const json = jsonFormOfParts(line, 'not_told')
    return isEvents ? `event: ${line.type}\ndata: ${json}\n\n` : `${json}\n`
  }
  let isBegun = false
  try {
    for await (const line of lines) {
      yield text(line)
      isBegun = true
    }
  } catch (error) {
    if (!isBegun) throw error
    logger.error({ err: error }, 'A preview could not go on')
    const { code, message } = { code: codeOf(error), message: messageOf(error) }
    yield text({ type: 'error', code, message: describeFailure(faultText({ code, message })) })
  }
  return undefined
}
