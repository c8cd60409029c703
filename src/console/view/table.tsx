import type { ComponentChildren } from 'preact'
import { valueText } from '../model/field-change.ts'
import { formatInstant } from '../model/format.ts'

export interface Row {
  readonly key: string | number
  /** In the order of the heads. */
  readonly cells: readonly ComponentChildren[]
}

interface TableProps {
  /** For those who do not see where it stands. */
  readonly caption: string
  readonly heads: readonly string[]
  readonly rows: readonly Row[]
}

/** A table. Where it is narrow, each cell tells its head by itself; a head in brackets is for screen readers alone. */
export function Table({ caption, heads, rows }: TableProps) {
  const seen = heads.map((head) => (head.startsWith('(') ? null : head))
  return (
    <table>
      <caption class="hidden">{caption}</caption>
      <thead>
        <tr>
          {heads.map((head, column) => (
            <th key={head} scope="col">
              {seen[column] ?? <span class="hidden">{head.slice(1, -1)}</span>}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, cells }) => (
          <tr key={key}>
            {cells.map((cell, column) => (
              <td key={heads[column]} data-head={seen[column]}>
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** A value, and a number without breaks. */
export function Value({ of }: { of: unknown }) {
  const text = valueText(of)
  return typeof of === 'number' ? <Whole>{text}</Whole> : text
}

/** A moment; the line may break before its time. */
export function Instant({ at }: { at: string }) {
  const [date, time] = formatInstant(at).split(' ')
  return (
    <>
      <Whole>{date}</Whole> <Whole>{time}</Whole>
    </>
  )
}

/** What is not to be broken into lines, such as a date. */
export function Whole({ children }: { children: ComponentChildren }) {
  return <span class="nowrap">{children}</span>
}
