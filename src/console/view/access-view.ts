import type { Action, State } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import { byId, setNotice, whileBusy } from './dom.ts'

/** The form for the key, and the button that forgets it. */
export function mountAccess(
  store: Store<State, Action>,
  enter: (key: string) => Promise<void>,
  forget: () => void,
): void {
  const form = byId('key-form', HTMLFormElement)
  const key = byId('key', HTMLInputElement)
  const error = byId('key-error', HTMLElement)
  const button = byId('key-button', HTMLButtonElement)
  const forgetButton = byId('forget', HTMLButtonElement)

  const refuse = (problem: string | null) => {
    setNotice(error, problem)
    key.ariaInvalid = String(problem !== null)
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const typed = key.value.trim()
    if (typed === '') {
      refuse('Enter a key.')
      key.focus()
      return
    }
    // A header cannot hold anything else.
    if (!/^[\x20-\x7e]+$/.test(typed)) {
      refuse('A key holds only plain characters.')
      key.focus()
      return
    }
    void whileBusy(button, () => enter(typed))
  })
  forgetButton.addEventListener('click', forget)

  store.subscribe(({ access }, before) => {
    if (access === before?.access) return
    document.body.dataset.access = access.name
    form.hidden = access.name !== 'locked'
    byId('panes', HTMLElement).hidden = access.name !== 'open'
    byId('nav', HTMLElement).hidden = access.name !== 'open'
    forgetButton.hidden = access.name !== 'open' || !access.keyed
    setNotice(byId('checking', HTMLElement), access.name === 'checking' ? (access.problem ?? 'One moment…') : null)
    if (access.name === 'open') key.value = ''
    if (access.name !== 'locked') return
    refuse(access.problem)
    key.focus()
  })
}
