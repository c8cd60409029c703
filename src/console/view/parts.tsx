import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { STATUSES } from '../model/job-status.ts'
import type { JobStatus } from '../net/api-types.ts'

/** A status as a mark and a word. */
export function Badge({ status, text, id }: { status: JobStatus; text?: string | null; id?: string }) {
  return (
    <span id={id} class={`badge nowrap ${status}`}>
      <span aria-hidden="true">{STATUSES[status].mark}</span> {text ?? STATUSES[status].label}
    </span>
  )
}

/** A notice that is there only when it says something. */
export function Notice({ text, bad = false }: { text: string | null | undefined; bad?: boolean }) {
  if (!text) return null
  return bad ? (
    <p class="notice bad" role="alert">
      {text}
    </p>
  ) : (
    <p class="notice">{text}</p>
  )
}

interface ButtonProps
  extends Pick<JSX.IntrinsicElements['button'], 'id' | 'class' | 'title' | 'hidden' | 'aria-label'> {
  /** It stays focusable and does nothing: a button that vanishes under the focus loses it. */
  readonly off?: boolean
  readonly submit?: boolean
  readonly text: string
  onClick?(): unknown
}

/** A button that stays where it is, and keeps the focus, while what it began goes on. */
export function Button({ onClick, off = false, submit = false, text, ...rest }: ButtonProps) {
  const [busy, setBusy] = useState(false)
  const click = async () => {
    if (busy || off) return
    setBusy(true)
    try {
      await onClick?.()
    } finally {
      setBusy(false)
    }
  }
  return (
    <button
      {...rest}
      type={submit ? 'submit' : 'button'}
      aria-busy={busy}
      aria-disabled={off}
      onClick={() => void click()}
    >
      {text}
    </button>
  )
}

/** What a form does in place of sending itself. */
export function submitting(work?: () => unknown): (event: Event) => void {
  return (event) => {
    event.preventDefault()
    work?.()
  }
}

interface PagerProps {
  readonly label: string
  readonly position: string
  readonly previous: (() => unknown) | null
  readonly next: (() => unknown) | null
}

/** Buttons for the page before and the page after. */
export function Pager({ label, position, previous, next }: PagerProps) {
  return (
    <nav class="row" aria-label={label} hidden={!previous && !next}>
      <Button class="quiet small" off={!previous} onClick={() => previous?.()} text="Previous" />
      <span class="muted">{position}</span>
      <Button class="quiet small" off={!next} onClick={() => next?.()} text="Next" />
    </nav>
  )
}

/** The pages of a list that is all there. */
export function usePages(length: number, size: number) {
  const [wanted, setPage] = useState(0)
  const last = Math.max(0, Math.ceil(length / size) - 1)
  const page = Math.min(wanted, last)
  return {
    from: page * size,
    to: (page + 1) * size,
    position: `Page ${page + 1} of ${last + 1}`,
    previous: page > 0 ? () => setPage(page - 1) : null,
    next: page < last ? () => setPage(page + 1) : null,
  }
}

interface FieldProps {
  readonly id: string
  readonly label: string
  readonly hint?: string
  readonly error?: string | undefined
  readonly wide?: boolean
  readonly children: ComponentChildren
}

/** A label, what it is about, and what is wrong with it. */
export function Field({ id, label, hint, error, wide = false, children }: FieldProps) {
  return (
    <div class={`field stack${wide ? ' wide' : ''}`}>
      <label for={id}>
        {label} {hint && <span class="muted">{hint}</span>}
      </label>
      {children}
      <FieldError id={id} text={error} />
    </div>
  )
}

export function FieldError({ id, text }: { id: string; text: string | undefined }) {
  return (
    <p class="error" id={`${id}-error`} hidden={text === undefined}>
      {text}
    </p>
  )
}

/** Known tenants are offered wherever one is typed in. */
export function Tenants({ tenants }: { tenants: readonly string[] | '*' }) {
  return (
    <datalist id="tenants">
      {tenants !== '*' && tenants.map((tenant) => <option key={tenant} value={tenant} />)}
    </datalist>
  )
}

/** What is told as pairs. */
export function Pairs({
  pairs,
  ...rest
}: {
  pairs: readonly (readonly [string, ComponentChildren])[]
  class: string
  id?: string
}) {
  return (
    <dl {...rest}>
      {pairs.map(([name, value]) => (
        <div key={name} class={name.startsWith('Failed') && value !== '0' ? 'bad' : undefined}>
          <dt>{name}</dt>
          <dd>{value ?? '–'}</dd>
        </div>
      ))}
    </dl>
  )
}

/** The page's own clock, which goes on every second while `running`. */
export function useNow(running: boolean): number {
  const [, setTick] = useState(0)
  useEffect(() => {
    if (!running) return
    const timer = setInterval(() => setTick((tick) => tick + 1), 1_000)
    return () => clearInterval(timer)
  }, [running])
  return performance.now()
}
