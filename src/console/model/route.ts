/** Where in the page one is; kept in the address, so that it can be linked to: `#/screen/id?month=…`. */
export interface Route {
  readonly screen: string
  /** What the screen is to show. */
  readonly id: string | null
  /** The job whose settings a form begins with. */
  readonly like: string | null
  /** The month that is asked for, as `YYYY-MM`. */
  readonly month: string | null
}

/** Where one arrives. */
export const START: Route = { screen: 'jobs', id: null, like: null, month: null }

export function routeOf(hash: string): Route {
  const [, screen = '', id, query] = /^#\/([a-z-]*)(?:\/([^?]+))?(?:\?(.*))?$/.exec(hash) ?? []
  try {
    const asked = new URLSearchParams(query)
    const about = { like: asked.get('like'), month: asked.get('month') }
    return { screen: screen || 'jobs', id: id === undefined ? null : decodeURIComponent(id), ...about }
  } catch {
    // Somebody's stray per cent sign.
    return START
  }
}

export function hashOf({
  screen,
  id = null,
  like = null,
  month = null,
}: Partial<Route> & Pick<Route, 'screen'>): string {
  const asked = new URLSearchParams({ ...(like !== null && { like }), ...(month !== null && { month }) })
  return `#/${screen}${id === null ? '' : `/${encodeURIComponent(id)}`}${asked.size === 0 ? '' : `?${asked}`}`
}
