/** A list that is looked at page by page, forwards by the server's cursors and back by those that led here. */
export interface Paged<Item, Cursor> {
  readonly items: readonly Item[]
  /** What led to the page that is shown, and to those before it; `null` leads to the first. */
  readonly trail: readonly (Cursor | null)[]
  /** What leads to the next page; `null` on the last. */
  readonly next: Cursor | null
  readonly status: 'unread' | 'reading' | 'read' | 'failed'
  readonly problem: string | null
}

export type PagedAction<Item, Cursor> =
  | { readonly type: 'reading'; readonly trail: readonly (Cursor | null)[] }
  | {
      readonly type: 'read'
      readonly trail: readonly (Cursor | null)[]
      readonly items: readonly Item[]
      readonly next: Cursor | null
    }
  | { readonly type: 'failed'; readonly trail: readonly (Cursor | null)[]; readonly problem: string }

export function unread<Item, Cursor>(): Paged<Item, Cursor> {
  return { items: [], trail: [null], next: null, status: 'unread', problem: null }
}

export function reducePaged<Item, Cursor>(
  paged: Paged<Item, Cursor>,
  action: PagedAction<Item, Cursor>,
): Paged<Item, Cursor> {
  const { trail } = action
  // What was shown stays until there is something to show instead: a list that is refreshed does not flicker.
  if (action.type === 'reading') return { ...paged, trail, status: 'reading' }
  // Somebody has turned the page meanwhile.
  if (trail !== paged.trail) return paged
  if (action.type === 'failed') return { ...paged, status: 'failed', problem: action.problem }
  return { items: action.items, trail, next: action.next, status: 'read', problem: null }
}
