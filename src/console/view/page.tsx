import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { hashOf, type Route } from '../model/route.ts'
import { may } from '../model/state.ts'
import { Announcer } from './announcer.tsx'
import { KeyForm } from './key-form.tsx'
import { Button } from './parts.tsx'
import type { ViewProps } from './screen.ts'
import { SCREENS } from './screens.ts'

/** The whole page: who may come in, the navigation, and the screen that the address asks for. */
export function Page({ app, state }: ViewProps) {
  const { access, route } = state
  const open = access.name === 'open'
  const screens = SCREENS.filter(({ needs }) => needs.some((permission) => may(state, permission)))
  const screen = screens.find(({ name }) => name === route.screen) ?? SCREENS[0]
  const main = useRef<HTMLElement>(null)
  useFocusOnArrival(route, open)
  // Nothing that goes away takes the focus with it.
  const focused = document.activeElement
  useLayoutEffect(() => {
    if (focused instanceof HTMLElement && (focused.hidden || !focused.isConnected))
      main.current?.querySelector<HTMLElement>('#job-title, .screen h2')?.focus()
  })
  return (
    <>
      <Button class="skip" onClick={() => main.current?.focus()} text="Skip to the content" />
      <header class="bar row">
        <h1>Recalculation</h1>
        <nav class="row" aria-label="Console" hidden={!open}>
          {screens.map(({ name, label }) => (
            <a key={name} href={hashOf({ screen: name })} aria-current={screen.name === name ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <span class="grow" />
        <Button class="quiet" hidden={!open || !access.keyed} onClick={() => app.forgetKey()} text="Forget key" />
      </header>
      <Announcer watched={state.watched} />
      <main id="main" tabIndex={-1} ref={main}>
        {access.name === 'checking' && <p class="pane empty">{access.problem ?? 'One moment…'}</p>}
        {access.name === 'locked' && <KeyForm problem={access.problem} enter={(key) => app.enter(key)} />}
        {open && <screen.View app={app} state={state} />}
      </main>
    </>
  )
}

/** Whoever goes somewhere is led to its heading; a job has none before it was read, until then the focus waits above it. */
function useFocusOnArrival({ screen, id, month }: Route, open: boolean): void {
  useEffect(() => {
    if (!open) return
    const find = (selector: string) => document.querySelector<HTMLElement>(selector)
    const heading = screen === 'jobs' && id !== null ? find('#job-title') : (find('#owed-title') ?? find('main h2'))
    ;(heading ?? find('main'))?.focus()
  }, [screen, id, month, open])
}
