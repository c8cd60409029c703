/** Where in the page one is; kept in the address, so that it can be linked to: `#/screen/id?like=…`. */
export interface Route {
  readonly screen: string
  /** What the screen is to show. */
  readonly id: string | null
  /** The job whose settings a form begins with. */
  readonly like: string | null
}

export function routeOf(hash: string): Route {
  const [, screen = '', id, query] = /^#\/([a-z-]*)(?:\/([^?]+))?(?:\?(.*))?$/.exec(hash) ?? []
  try {
    const like = new URLSearchParams(query).get('like')
    return { screen: screen || 'jobs', id: id === undefined ? null : decodeURIComponent(id), like }
  } catch {
    // Somebody's stray per cent sign.
    return { screen: 'jobs', id: null, like: null }
  }
}

export function hashOf({ screen, id = null, like = null }: Partial<Route> & Pick<Route, 'screen'>): string {
  const query = like === null ? '' : `?${new URLSearchParams({ like })}`
  return `#/${screen}${id === null ? '' : `/${encodeURIComponent(id)}`}${query}`
}
