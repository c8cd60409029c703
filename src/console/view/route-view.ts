import { may } from '../model/permissions.ts'
import { hashOf, type Route } from '../model/route.ts'
import type { Action, State } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import { byId } from './dom.ts'

/** Shows what the address asks for, and moves the focus there when somebody went there. */
export function mountRoute(store: Store<State, Action>): void {
  byId('skip', HTMLAnchorElement).addEventListener('click', (event) => {
    // The fragment is the route's.
    event.preventDefault()
    byId('main', HTMLElement).focus()
  })
  store.subscribe((state, before) => {
    const { route, access } = state
    if (route === before?.route && access === before.access) return
    const me = access.name === 'open' ? access.me : null
    const start = may(me, 'start')
    const shown = route.name === 'start' && !start ? 'jobs' : route.name
    document.body.dataset.route = shown
    byId('welcome', HTMLElement).hidden = shown !== 'jobs'
    byId('start', HTMLElement).hidden = shown !== 'start'
    byId('job', HTMLElement).hidden = shown !== 'job'
    byId('nav-start', HTMLElement).hidden = !start
    byId('welcome-start', HTMLElement).hidden = !start
    showCurrent('nav-jobs', shown === 'jobs')
    showCurrent('nav-start', shown === 'start')
    const went = access.name === 'open' && before !== null && (route !== before.route || before.access.name !== 'open')
    if (went) focusRoute(route)
  })
}

/** Goes there: the address changes, and the page follows it. */
export function goTo(route: Route): void {
  location.hash = hashOf(route)
}

function focusRoute(route: Route): void {
  // A job has no heading before it was read; until then the focus waits above it.
  const heading = { jobs: 'jobs-title', start: 'start-title', job: 'main' }[route.name]
  byId(heading, HTMLElement).focus()
}

function showCurrent(id: string, current: boolean): void {
  byId(id, HTMLElement).ariaCurrent = current ? 'page' : null
}
