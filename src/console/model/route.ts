/** Where in the page one is; kept in the address, so that a job can be linked to. */
export type Route =
  | { readonly name: 'jobs' }
  | { readonly name: 'start' }
  | { readonly name: 'job'; readonly jobId: string }

export function routeOf(hash: string): Route {
  if (hash === '#/start') return { name: 'start' }
  const jobId = /^#\/jobs\/(.+)$/.exec(hash)?.[1]
  if (jobId === undefined) return { name: 'jobs' }
  try {
    return { name: 'job', jobId: decodeURIComponent(jobId) }
  } catch {
    // Somebody's stray per cent sign.
    return { name: 'jobs' }
  }
}

export function hashOf(route: Route): string {
  if (route.name === 'start') return '#/start'
  return route.name === 'job' ? `#/jobs/${encodeURIComponent(route.jobId)}` : '#/'
}
