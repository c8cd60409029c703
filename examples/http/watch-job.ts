// The front end: starts a job, follows it to its end, and gives up neither on a broken connection nor on a server that
// restarts. It runs in a browser as it is: the browser's own EventSource cannot send a key, the one of the package
// `eventsource` can.
import { EventSource } from 'eventsource'

/** @param api Where the API is, such as `https://example.com/api/system/recalculate`. */
export async function recalculate(
  api: string,
  key: string,
  days: { start_date: string; end_date: string },
): Promise<void> {
  const headers = { 'X-API-Key': key }
  const answer = await fetch(api, {
    method: 'POST',
    // Whoever sends this again, because the answer was lost, gets the same job and not a second one.
    headers: { ...headers, 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() },
    body: JSON.stringify({ tenant_id: 'acme', ...days }),
  })
  if (!answer.ok) throw new Error(`The job was refused: ${(await problemOf(answer)).detail}`)
  const { stream_url: streamUrl, total_days: totalDays } = (await answer.json()) as Started
  console.log(`${answer.status}: ${totalDays} days to do`)
  await watch(new URL(streamUrl, api), headers)
}

function watch(url: URL, headers: Readonly<Record<string, string>>): Promise<void> {
  return new Promise((resolve, reject) => {
    const source = new EventSource(url, {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
    })
    const on = <Data>(name: string, listener: (data: Data) => void) =>
      source.addEventListener(name, ({ data }) => data && listener(JSON.parse(data)))
    on('progress', ({ current, total }: Progress) => console.log(`${current} of ${total} days`))
    on('error', ({ employee_id: employee, date, message }: Failure) => console.log(`${employee}, ${date}: ${message}`))
    for (const end of ['complete', 'failed', 'cancelled', 'paused', 'interrupted']) {
      on(end, ({ result }: End) => {
        console.log(`${result.status}: ${result.processed_days} days, ${result.failed_days} failed`)
        source.close()
        resolve()
      })
    }
    // Also what is no event of the job: it tries again by itself, unless the server has refused it.
    source.addEventListener('error', () => {
      if (source.readyState === source.CLOSED) reject(new Error('The stream was refused'))
    })
  })
}

async function problemOf(answer: Response): Promise<{ detail: string }> {
  return (await answer.json()) as { detail: string } // RFC 9457, whatever went wrong
}

// As openapi.json says; a real front end would have them made from it.
interface Started {
  readonly stream_url: string
  readonly total_days: number
}
interface Progress {
  readonly current: number
  readonly total: number
}
interface Failure {
  readonly employee_id: string
  readonly date: string
  readonly message: string
}
interface End {
  readonly result: { readonly status: string; readonly processed_days: number; readonly failed_days: number }
}
