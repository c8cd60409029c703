/** An answer in JSON. */
export function json(
  value: object,
  init: { readonly status?: number; readonly headers?: Record<string, string> } = {},
) {
  return new Response(JSON.stringify(value), {
    status: init.status ?? 200,
    headers: { ...init.headers, 'Content-Type': 'application/json' },
  })
}
