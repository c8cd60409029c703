import { createParser } from 'eventsource-parser'
import { textOf } from './read-text.ts'

export interface ServerEvent {
  readonly event: string
  readonly data: unknown
}

/**
 * Hands over each event of a stream; resolves when the stream ends.
 *
 * @param onSign called for everything that arrives, comments too.
 * @throws when the connection breaks.
 */
export async function readEvents(
  stream: ReadableStream<Uint8Array>,
  onEvent: (event: ServerEvent) => void,
  onSign: () => void,
): Promise<void> {
  const parser = createParser({
    onEvent: ({ event = 'message', data }) => {
      const parsed = parse(data)
      if (parsed !== undefined) onEvent({ event, data: parsed })
    },
  })
  for await (const text of textOf(stream)) {
    onSign()
    parser.feed(text)
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    // A frame that is no JSON is not this API's.
    return undefined
  }
}
