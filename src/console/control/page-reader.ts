import type { Paged, PagedAction } from '../model/paged.ts'
import type { Asked } from '../net/api.ts'
import { problemOf } from '../net/problem.ts'

export interface PageReaderOptions<Item, Cursor> {
  current(): Paged<Item, Cursor>
  read(after: Cursor | null, asked: Asked): Promise<{ readonly items: readonly Item[]; readonly next: Cursor | null }>
  dispatch(action: PagedAction<Item, Cursor>): void
}

/** Reads the pages of a list. An answer that comes after the page was turned again is dropped by the reducer. */
export class PageReader<Item, Cursor> {
  readonly #options: PageReaderOptions<Item, Cursor>
  #present = new AbortController()

  constructor(options: PageReaderOptions<Item, Cursor>) {
    this.#options = options
  }

  first(): Promise<void> {
    return this.#read([null], true)
  }

  /** The same page again. */
  refresh(urgent = false): Promise<void> {
    return this.#read([...this.#options.current().trail], urgent)
  }

  async next(): Promise<void> {
    const { trail, next } = this.#options.current()
    if (next !== null) await this.#read([...trail, next], true)
  }

  async previous(): Promise<void> {
    const { trail } = this.#options.current()
    if (trail.length > 1) await this.#read(trail.slice(0, -1), true)
  }

  async #read(trail: readonly (Cursor | null)[], urgent: boolean): Promise<void> {
    const { dispatch, read } = this.#options
    // Nobody wants any more what was asked for before.
    this.#present.abort()
    this.#present = new AbortController()
    const { signal } = this.#present
    dispatch({ type: 'reading', trail })
    try {
      dispatch({ type: 'read', trail, ...(await read(trail.at(-1) ?? null, { urgent, signal })) })
    } catch (error) {
      if (!signal.aborted) dispatch({ type: 'failed', trail, problem: problemOf(error).message })
    }
  }
}
