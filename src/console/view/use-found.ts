import { useEffect, useRef, useState } from 'preact/hooks'
import { throttle } from '../control/throttle.ts'
import type { Finding } from '../net/api.ts'
import { problemOf } from '../net/problem.ts'

/** So many are kept to be shown, and no more than this of their text: a browser must not run full. */
export const MOST_KEPT = 5_000
const MOST_CHARACTERS = 8_000_000

/** The least time between two drawings of what comes. */
const DRAW_MS = 300

/** What was found as yet. */
interface Findings<Item, Summary> {
  /** The first of them. */
  readonly items: readonly Item[]
  /** What all of them come to; `null` until everything was found. */
  readonly summary: Summary | null
  readonly status: 'reading' | 'read' | 'stopped' | 'failed'
  readonly problem: string | null
}

/** With what somebody can do about it. */
export interface Found<Item, Summary> extends Findings<Item, Summary> {
  stop(): void
  again(): void
}

/** Reads an answer that is found piece by piece, anew with every other `key`; it ends when nobody looks any more. */
export function useFound<Item, Summary>(
  key: string,
  read: (finding: Finding<Item>) => Promise<Summary>,
): Found<Item, Summary> {
  const nothing: Findings<Item, Summary> = { items: [], summary: null, status: 'reading', problem: null }
  const [found, setFound] = useState(nothing)
  const [round, setRound] = useState(0)
  const stop = useRef(() => {})
  useEffect(() => {
    const [gone, stopped] = [new AbortController(), new AbortController()]
    const items: Item[] = []
    let characters = 0
    const tell = (change: Partial<Findings<Item, Summary>> = {}) => {
      if (!gone.signal.aborted) setFound((before) => ({ ...before, ...change, items: [...items] }))
    }
    const end = (change: Partial<Findings<Item, Summary>>) => {
      tell(change)
      gone.abort() // nothing is drawn once more that is the same
    }
    const tellSoon = throttle(DRAW_MS, async () => tell())
    const onItem = (item: Item, length: number) => {
      characters += length
      if (items.length >= MOST_KEPT || characters > MOST_CHARACTERS) return
      items.push(item)
      tellSoon()
    }
    setFound(nothing)
    stop.current = () => stopped.abort()
    read({ signal: AbortSignal.any([gone.signal, stopped.signal]), onItem }).then(
      (summary) => end({ summary, status: 'read' }),
      (error) => {
        if (stopped.signal.aborted) end({ status: 'stopped' })
        else end({ status: 'failed', problem: problemOf(error).message })
      },
    )
    return () => gone.abort()
  }, [key, round])
  return { ...found, stop: () => stop.current(), again: () => setRound((before) => before + 1) }
}
