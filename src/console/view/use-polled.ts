import { useEffect, useRef, useState } from 'preact/hooks'
import type { Asked } from '../net/api.ts'
import { problemOf } from '../net/problem.ts'

/** How often it is asked again, while somebody looks. */
const LOOK_MS = 3_000

interface Polled<Answer> {
  readonly answer: Answer | null
  readonly problem: string | null
}

/**
 * What the server says, asked again and again, one request after the other; `key`: what it depends on.
 *
 * @param page Which part of it. What was shown of another one stays until there is something to show instead.
 */
export function usePolled<Answer>(
  key: string,
  read: (asked: Asked) => Promise<Answer>,
  everyMs = LOOK_MS,
  page: string | number | null = null,
) {
  const shown = useRef(key)
  const [polled, setPolled] = useState<Polled<Answer>>({ answer: null, problem: null })
  const look = useRef(async () => {})
  useEffect(() => {
    const gone = new AbortController()
    const { signal } = gone
    let timer: ReturnType<typeof setTimeout> | undefined
    let last = Promise.resolve()
    const ask = async (urgent: boolean): Promise<void> => {
      clearTimeout(timer)
      try {
        if (urgent || document.visibilityState === 'visible') {
          const answer = await read({ urgent, signal })
          if (!signal.aborted) setPolled({ answer, problem: null })
        }
      } catch (error) {
        if (!signal.aborted) setPolled((before) => ({ ...before, problem: problemOf(error).message }))
      }
      clearTimeout(timer)
      if (!signal.aborted) timer = setTimeout(() => void ask(false), everyMs)
    }
    look.current = () => {
      last = last.then(() => ask(true))
      return last
    }
    if (shown.current !== key) setPolled({ answer: null, problem: null })
    shown.current = key
    void look.current()
    return () => {
      gone.abort()
      clearTimeout(timer)
    }
  }, [key, page])
  return { ...polled, look: () => look.current() }
}

/** A page of such a list: forwards one gets by the server's cursors, back by those that led there. */
export function usePolledPages<Cursor extends string | number, Answer extends { readonly next: Cursor | null }>(
  key: string,
  read: (after: Cursor | null, asked: Asked) => Promise<Answer>,
  everyMs = LOOK_MS,
) {
  const [turned, setTurned] = useState<{ readonly key: string; readonly trail: readonly (Cursor | null)[] }>()
  const trail = turned?.key === key ? turned.trail : [null]
  const after = trail.at(-1) ?? null
  const polled = usePolled(key, (asked) => read(after, asked), everyMs, after)
  const next = polled.answer?.next ?? null
  const turn = (to: readonly (Cursor | null)[]) => () => setTurned({ key, trail: to })
  const pager = {
    position: `Page ${trail.length}`,
    previous: trail.length > 1 ? turn(trail.slice(0, -1)) : null,
    next: next === null ? null : turn([...trail, next]),
  }
  return { ...polled, pager }
}
