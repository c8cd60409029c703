import { createParser } from 'eventsource-parser'
import { parsed, textOf } from './read-text.ts'

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
      const told = parsed(data)
      // A frame that is no JSON is not this API's.
      if (told !== null) onEvent({ event, data: told })
    },
  })
  for await (const text of textOf(stream)) {
    onSign()
    parser.feed(text)
  }
}
