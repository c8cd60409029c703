import type { RecalcDb } from '../tables.ts'
import type { CapturedKind } from './captured-change.ts'

export interface TableName {
  /** Undefined where the engine has no schemas. */
  readonly schema: string | undefined
  readonly name: string
}

/** What a column may be captured as. */
export type ColumnUse = 'id' | 'instant' | 'date'

export interface SourceColumn {
  readonly name: string
  /** As the database calls it, in lower case and without a length. */
  readonly type: string
  readonly uses: readonly ColumnUse[]
}

/** A host's table as the database knows it. */
export interface SourceTable extends TableName {
  readonly columns: readonly SourceColumn[]
  /** Why triggers on it would not do; undefined: they would. */
  readonly obstacle: string | undefined
  /** Foreign keys by which its rows are written or removed without a trigger firing. */
  readonly cascades: readonly string[]
  /** Its partitions, which can be written to by their own names. */
  readonly partitions: readonly TableName[]
  /** Columns of unique keys by which a row may replace others without their triggers firing. */
  readonly silentKeys: readonly (readonly string[])[]
}

/** A source whose names and types have been found to be right. */
export interface Capture {
  /** As stages call the table. */
  readonly source: string
  readonly table: SourceTable
  readonly tenant: SourceColumn | { readonly always: string }
  /** `null`: everybody's rows. */
  readonly employee: SourceColumn | null
  /** Rows whose employee is NULL or empty: are they everybody's? */
  readonly isEverybodysWithoutEmployee: boolean
  readonly kind: CapturedKind
  /** The columns that tell the days. */
  readonly when: readonly SourceColumn[]
  /** An update in which none of these changes is none. */
  readonly compared: readonly SourceColumn[]
}

/** A trigger without a name. */
export interface TriggerDefinition {
  readonly table: TableName
  /** When it fires and what it does, as the engine tells it of an installed one. */
  readonly definition: string
}

export interface CaptureTrigger extends TriggerDefinition {
  readonly name: string
}

/** How an engine captures. */
export interface CaptureEngine {
  /** True when a transaction takes back what it has made. */
  readonly isTransactional: boolean
  currentSchema(db: RecalcDb): Promise<string | undefined>
  /** Undefined: there is no such table. */
  describe(db: RecalcDb, table: TableName): Promise<SourceTable | undefined>
  /** The triggers that note changes in the ledger. */
  triggersOf(capture: Capture, ledger: TableName): readonly TriggerDefinition[]
  /** Triggers whose names begin so. */
  installed(db: RecalcDb, prefix: string): Promise<readonly CaptureTrigger[]>
  /** Keeps others who install at the same time waiting; for engines whose transactions take back what they have made. */
  lock?(db: RecalcDb): Promise<void>
  /** Makes a trigger, or leaves one of this name as it is. */
  create(db: RecalcDb, trigger: CaptureTrigger, ledger: TableName): Promise<void>
  /** Removes a trigger, if it is there. */
  drop(db: RecalcDb, trigger: CaptureTrigger, ledger: TableName): Promise<void>
}
