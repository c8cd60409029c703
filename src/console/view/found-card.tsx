import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { formatCount, formatPlural } from '../model/format.ts'
import { Button, Notice } from './parts.tsx'
import type { Found } from './use-found.ts'

interface FoundCardProps {
  readonly id: string
  readonly title: string
  readonly found: Found<unknown, unknown>
  /** What one of them is called. */
  readonly one: string
  /** How many there are; `null`: nobody knows as yet. */
  readonly count: number | null
  /** What is said when there are none. */
  readonly none: string
  /** What was done meanwhile. */
  readonly done?: string | null
  readonly problem?: string | null
  /** What can be chosen about it. */
  readonly choice?: ComponentChildren
  readonly children: ComponentChildren
}

/** What is found piece by piece: how far that is, and whether what is shown is all. */
export function FoundCard(props: FoundCardProps) {
  const { id, title, found, one, count, none, done, problem, choice, children } = props
  const { items, status } = found
  const heading = useRef<HTMLHeadingElement>(null)
  // Whoever asked for it is led to it.
  useEffect(() => heading.current?.focus(), [])
  const some = formatPlural(items.length, one)
  const whole =
    count === null
      ? `${status === 'stopped' ? 'Stopped. ' : ''}${some} until then.`
      : count === 0
        ? none
        : count === items.length
          ? `${some}.`
          : `${formatPlural(count, one)}; the first ${formatCount(items.length)} are shown.`
  return (
    <section class="card stack" id={id} aria-labelledby={`${id}-title`}>
      <div class="row">
        <h3 id={`${id}-title`} class="grow" tabIndex={-1} ref={heading}>
          {title}
        </h3>
        {choice}
        {status === 'reading' ? (
          <Button class="quiet small" onClick={found.stop} text="Stop" />
        ) : (
          <Button class="quiet small" onClick={found.again} text="Look again" />
        )}
      </div>
      <p role="status">
        {done} {status !== 'reading' ? whole : items.length === 0 ? 'Looking…' : `Looking… ${some} as yet.`}
      </p>
      <Notice bad text={found.problem ?? problem} />
      {children}
    </section>
  )
}
