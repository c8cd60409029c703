import type { Paged, PagedAction } from '../model/paged.ts'
import { problemOf } from '../net/problem.ts'

export interface PageReaderOptions<Item, Cursor> {
  current(): Paged<Item, Cursor>
  read(after: Cursor | null): Promise<{ readonly items: readonly Item[]; readonly next: Cursor | null }>
  dispatch(action: PagedAction<Item, Cursor>): void
}

/** Reads the pages of a list. An answer that comes after the page was turned again is dropped by the reducer. */
export class PageReader<Item, Cursor> {
  readonly #options: PageReaderOptions<Item, Cursor>

  constructor(options: PageReaderOptions<Item, Cursor>) {
    this.#options = options
  }

  first(): Promise<void> {
    return this.#read([null])
  }

  /** The same page again. */
  refresh(): Promise<void> {
    return this.#read([...this.#options.current().trail])
  }

  async next(): Promise<void> {
    const { trail, next } = this.#options.current()
    if (next !== null) await this.#read([...trail, next])
  }

  async previous(): Promise<void> {
    const { trail } = this.#options.current()
    if (trail.length > 1) await this.#read(trail.slice(0, -1))
  }

  async #read(trail: readonly (Cursor | null)[]): Promise<void> {
    const { dispatch, read } = this.#options
    dispatch({ type: 'reading', trail })
    try {
      dispatch({ type: 'read', trail, ...(await read(trail.at(-1) ?? null)) })
    } catch (error) {
      dispatch({ type: 'failed', trail, problem: problemOf(error).message })
    }
  }
}
