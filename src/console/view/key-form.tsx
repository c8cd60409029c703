import { useEffect, useRef, useState } from 'preact/hooks'
import { Button, Field, submitting } from './parts.tsx'

/** Asks for the key. */
export function KeyForm({ problem, enter }: { problem: string | null; enter(key: string): Promise<void> }) {
  const input = useRef<HTMLInputElement>(null)
  const [refusal, setRefusal] = useState<string | null>(null)
  const error = refusal ?? problem ?? undefined
  useEffect(() => input.current?.focus(), [error])
  const submit = async () => {
    const typed = input.current?.value.trim() ?? ''
    // A header cannot hold anything else.
    const plain = /^[\x20-\x7e]*$/.test(typed)
    setRefusal(typed === '' ? 'Enter a key.' : plain ? null : 'A key holds only plain characters.')
    if (typed !== '' && plain) await enter(typed)
  }
  return (
    <form class="card stack key" aria-labelledby="key-title" noValidate onSubmit={submitting(submit)}>
      <h2 id="key-title">API key</h2>
      <Field id="key" label="Key" error={error}>
        <input
          id="key"
          ref={input}
          type="password"
          autocomplete="off"
          aria-invalid={error !== undefined}
          aria-describedby="key-error key-hint"
        />
      </Field>
      <p class="muted" id="key-hint">
        Kept in this tab until you close it or forget the key.
      </p>
      <div>
        <Button submit class="primary" text="Open the console" />
      </div>
    </form>
  )
}
