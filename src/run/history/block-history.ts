import type { ValueChange } from '../blocks/value-change.ts'
import type { HistoryRecord, HistoryStore } from './history-store.ts'

/** What one attempt of a block changes, kept in the attempt's own unit of work: a rolled back one leaves nothing. */
export class BlockHistory<Tx> {
  readonly #store: HistoryStore<Tx> | undefined
  readonly #changes: ValueChange[] = []

  /** @param store Undefined: nobody keeps a history. */
  constructor(store: HistoryStore<Tx> | undefined) {
    this.#store = store
  }

  /** For the block's calculator; undefined where nothing is kept. */
  get onChanges(): ((changes: readonly ValueChange[]) => void) | undefined {
    if (!this.#store) return undefined
    return (changes) => {
      for (const change of changes) this.#changes.push(change)
    }
  }

  /** Writes down what was changed, if anything was. */
  async keep(tx: Tx, about: Omit<HistoryRecord, 'changes'>): Promise<void> {
    if (this.#changes.length > 0) await this.#store?.append(tx, { ...about, changes: this.#changes })
  }
}
