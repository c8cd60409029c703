import { useEffect, useRef, useState } from 'preact/hooks'
import type { Asked } from '../net/api.ts'
import { problemOf } from '../net/problem.ts'

/** How often it is asked again, while somebody looks. */
const LOOK_MS = 3_000

interface Polled<Answer> {
  readonly answer: Answer | null
  readonly problem: string | null
}

/** What the server says, asked again and again, one request after the other; `key`: what it depends on. */
export function usePolled<Answer>(key: string, read: (asked: Asked) => Promise<Answer>) {
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
      if (!signal.aborted) timer = setTimeout(() => void ask(false), LOOK_MS)
    }
    look.current = () => {
      last = last.then(() => ask(true))
      return last
    }
    setPolled({ answer: null, problem: null })
    void look.current()
    return () => {
      gone.abort()
      clearTimeout(timer)
    }
  }, [key])
  return { ...polled, look: () => look.current() }
}
