import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { Button, submitting } from './parts.tsx'

interface ConfirmDialogProps {
  readonly title: string
  readonly children: ComponentChildren
  /** What the button that means yes says, and the other one. */
  readonly confirm: string
  readonly keep?: string
  readonly danger?: boolean
  close(): void
  confirmed(): unknown
}

/** Asks whether that is really wanted. Escape and the other button mean no; the focus goes back by itself. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, children, confirm, keep = 'Do not', danger = false, close, confirmed } = props
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => dialog.current?.showModal(), [])
  const submit = () => {
    const answer = confirmed()
    dialog.current?.close()
    return answer
  }
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={close}>
      <form class="stack" onSubmit={submitting(submit)}>
        <h2 id="dialog-title">{title}</h2>
        {children}
        <div class="row">
          <Button submit class={danger ? 'danger' : 'primary'} text={confirm} />
          <Button class="quiet" onClick={() => dialog.current?.close()} text={keep} />
        </div>
      </form>
    </dialog>
  )
}
