import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { formatCount } from '../model/format.ts'
import { Pager, usePages } from './parts.tsx'
import { type Row, Table } from './table.tsx'

const PER_PAGE = 20

interface GroupProps<Item> {
  /** What they have in common. */
  readonly name: string
  readonly summary: ComponentChildren
  readonly items: readonly Item[]
  /** Whether they are in sight from the beginning. */
  readonly open: boolean
  readonly heads: readonly string[]
  row(item: Item): Row
}

/** Things that belong together, folded into a line; a page of them at a time. */
function Group<Item>({ name, summary, items, open: first, heads, row }: GroupProps<Item>) {
  const [open, setOpen] = useState(first)
  const pages = usePages(items.length, PER_PAGE)
  return (
    <li>
      <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <strong>{formatCount(items.length)} ×</strong>
          {summary}
        </summary>
        {open && (
          <div>
            <Table caption={name} heads={heads} rows={items.slice(pages.from, pages.to).map(row)} />
            <Pager label={`Pages of ${name}`} {...pages} />
          </div>
        )}
      </details>
    </li>
  )
}

/** Groups, a page of them at a time. */
export function Groups<Item>({
  groups,
  of,
}: {
  groups: readonly (GroupProps<Item> & { readonly key: string })[]
  of: string
}) {
  const pages = usePages(groups.length, PER_PAGE)
  return (
    <>
      <ol class="groups">
        {groups.slice(pages.from, pages.to).map(({ key, ...group }) => (
          <Group key={key} {...group} />
        ))}
      </ol>
      <Pager label={`Pages of ${of}`} {...pages} />
    </>
  )
}
