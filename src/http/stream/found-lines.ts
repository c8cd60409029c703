/**
 * Text that is found piece by piece. Nothing is looked for until the client wants more, and nothing any more once it has gone.
 *
 * What is wrong with the request is thrown before the answer begins.
 *
 * @param pieces Ends by itself; what it throws breaks the answer off.
 * @param leave Called when the client goes.
 */
export async function foundLines(
  request: Request,
  pieces: AsyncGenerator<string, undefined>,
  { leave, headers }: { readonly leave: () => void; readonly headers: Readonly<Record<string, string>> },
): Promise<Response> {
  const end = () => {
    leave()
    // Nobody asks for more: what was found, and not taken, would keep it open.
    pieces.return(undefined).catch(() => {})
  }
  if (request.signal.aborted) end()
  else request.signal.addEventListener('abort', end, { once: true })
  const forget = () => request.signal.removeEventListener('abort', end)
  const encoder = new TextEncoder()
  const first = await pieces.next().catch((error: unknown) => {
    forget()
    throw error
  })
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        if (!first.done) controller.enqueue(encoder.encode(first.value))
      },
      async pull(controller) {
        const { value, done } = await pieces.next()
        if (!done) return controller.enqueue(encoder.encode(value))
        forget()
        controller.close()
      },
      cancel: end,
    },
    { highWaterMark: 1 },
  )
  const common = { 'Cache-Control': 'no-store, no-transform', 'X-Accel-Buffering': 'no' }
  return new Response(stream, { headers: { ...common, ...headers } })
}
