import { InvalidRequestError } from '../errors.ts'

/** Where the items come from. */
export interface ItemSource<Item, Summary> {
  /** The items in their order. Called once; it also counts them for the summary. */
  pages(): AsyncIterable<readonly Item[]>
  /** @param isComplete False: the reader left before the end. */
  summary(isComplete: boolean): Summary
}

/**
 * The items that a preview finds, such as differences. Iterate them once, or await only the `summary`. Nothing is read before
 * that, and an error of the request is thrown there.
 */
export class ItemStream<Item, Summary> implements AsyncIterable<Item> {
  readonly #source: ItemSource<Item, Summary>
  readonly #summary = Promise.withResolvers<Summary>()
  #isBegun = false

  constructor(source: ItemSource<Item, Summary>) {
    this.#source = source
    this.#summary.promise.catch(() => {}) // whoever iterates gets the error there
  }

  /**
   * The summary, once all items were read. If it is awaited before anybody iterates, all items are read and dropped. If the
   * reader left before the end, it counts what was found so far. It rejects with the error that ended the preview.
   */
  get summary(): Promise<Summary> {
    if (!this.#isBegun) void this.#drain()
    return this.#summary.promise
  }

  /**
   * By employee, then by date, then by stage. Leaving the loop ends it.
   *
   * @throws {InvalidRequestError} when it is iterated a second time.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    if (this.#isBegun) throw new InvalidRequestError('This can be iterated once; ask for it again')
    this.#isBegun = true
    let isComplete = false
    try {
      for await (const page of this.#source.pages()) yield* page
      isComplete = true
    } catch (error) {
      this.#summary.reject(error)
      throw error
    } finally {
      this.#summary.resolve(this.#source.summary(isComplete))
    }
  }

  async #drain(): Promise<void> {
    try {
      for await (const _ of this) void _
    } catch {
      // The summary rejects with it.
    }
  }
}
