import { byId } from './dom.ts'

/** Asks whether a job is really to be cancelled. Escape and the other button mean no; the focus goes back by itself. */
export function mountCancelDialog(onConfirmed: (reason: string) => void): () => void {
  const dialog = byId('cancel-dialog', HTMLDialogElement)
  const reason = byId('cancel-reason', HTMLInputElement)
  byId('cancel-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    dialog.close()
    if (event.submitter?.id !== 'cancel-no') onConfirmed(reason.value.trim())
  })
  return () => {
    reason.value = ''
    dialog.showModal()
  }
}
