import { useLayoutEffect, useRef } from 'preact/hooks'
import { Button, Field, submitting } from './parts.tsx'

/** Asks whether a job is really to be cancelled. Escape and the other button mean no; the focus goes back by itself. */
export function CancelDialog({ close, confirm }: { close(): void; confirm(reason: string): unknown }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const reason = useRef<HTMLInputElement>(null)
  useLayoutEffect(() => dialog.current?.showModal(), [])
  const submit = () => {
    const text = reason.current?.value.trim() ?? ''
    dialog.current?.close()
    confirm(text)
  }
  return (
    <dialog ref={dialog} aria-labelledby="cancel-title" onClose={close}>
      <form class="stack" onSubmit={submitting(submit)}>
        <h2 id="cancel-title">Cancel this job?</h2>
        <p>Days in progress are finished, no others are begun. What is done stays done; the job can be resumed.</p>
        <Field id="cancel-reason" label="Reason" hint="(optional)">
          <input id="cancel-reason" ref={reason} autocomplete="off" maxLength={1_000} />
        </Field>
        <div class="row">
          <Button submit class="danger" text="Cancel the job" />
          <Button class="quiet" onClick={() => dialog.current?.close()} text="Keep it running" />
        </div>
      </form>
    </dialog>
  )
}
