import type { RecalcBackend } from '../../jobs/job-store.ts'
import type { JobBench } from './job-bench.ts'

/** What a backend need not promise; whoever leaves one out says why. */
export type BackendPromise = 'employeeLocks' | 'parallelUnitsOfWork'

/** Something of the host's own that takes part in a unit of work. */
export interface HostRows<Tx> {
  /** Writes a row in the given transaction, over whatever is there under its key. */
  write(tx: Tx, row: string): Promise<void>
  /** The committed rows, in any order. */
  read(): Promise<readonly string[]>
}

/** What a case works with: a backend of its own, without jobs. */
export interface CaseContext<Tx> {
  readonly backend: RecalcBackend<Tx>
  readonly bench: JobBench<Tx>
}

/** One thing that a backend must do. */
export interface ConformanceCase {
  /** A sentence about the backend. */
  readonly name: string
  /** Checked only when the backend promises all of this. */
  readonly needs?: readonly BackendPromise[]
  run<Tx>(context: CaseContext<Tx>): Promise<void>
}

/** What a case of the host's own data works with. */
interface HostRowsContext<Tx> {
  readonly rows: HostRows<Tx>
  readonly endTransaction: (tx: Tx) => Promise<void>
}

/** One thing that a backend must do with what the host itself writes. */
export interface HostRowsCase {
  readonly name: string
  /** Checked only when the host can do this. */
  readonly needs?: 'endTransaction'
  run<Tx>(context: CaseContext<Tx> & HostRowsContext<Tx>): Promise<void>
}
