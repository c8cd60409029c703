import { InvalidRequestError } from '../errors.ts'

/** Where findings come from. */
export interface FindingSource<Item, Summary> {
  /** What is found, in its order; also counted there. Asked for once. */
  pages(): AsyncIterable<readonly Item[]>
  /** @param isComplete False: it was broken off. */
  summary(isComplete: boolean): Summary
}

/**
 * What a preview finds. Iterate it once; its `summary` can be awaited without that. Nothing is read before, and whatever is wrong
 * with the request is thrown there.
 */
export class Findings<Item, Summary> implements AsyncIterable<Item> {
  readonly #source: FindingSource<Item, Summary>
  readonly #summary = Promise.withResolvers<Summary>()
  #isBegun = false

  constructor(source: FindingSource<Item, Summary>) {
    this.#source = source
    this.#summary.promise.catch(() => {}) // whoever iterates gets the error there
  }

  /**
   * What it came to, once it is over. Awaited before anybody iterates, it goes through everything and forgets it. Of what is
   * broken off, what was found so far. It rejects with what ended it.
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
