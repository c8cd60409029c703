import {
  type BinaryOperationNode,
  ColumnNode,
  type ColumnUpdateNode,
  type InsertQueryNode,
  type Kysely,
  type KyselyPlugin,
  type OperationNode,
  OperationNodeTransformer,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  PrimitiveValueListNode,
  type QueryId,
  ReferenceNode,
  ValueNode,
  ValuesNode,
} from 'kysely'
import { type Engine, engineOf } from './engine.ts'

/** How an engine takes an instant, and how its driver gives it. */
interface InstantFormat {
  write(instant: number): string
  read(stored: unknown): unknown
}

const formats: Readonly<Record<Exclude<Engine, 'sqlite'>, InstantFormat>> = {
  // In UTC by convention: a DATETIME has no zone, and so none of a session's can shift it.
  mysql: {
    write: (instant) => new Date(instant).toISOString().replace('T', ' ').replace('Z', ''),
    read: (stored) => (typeof stored === 'string' ? Date.parse(`${stored.replace(' ', 'T')}Z`) : stored),
  },
  // With its zone, so that the session's is not asked. The driver's parser gives numbers; see `openPostgres`.
  postgres: { write: (instant) => new Date(instant).toISOString(), read: (stored) => stored },
}

/**
 * The database, with instants as whole milliseconds since 1970 for whoever asks, and in the engine's own type inside: values
 * that are compared with, or written to, a column of instants are turned on the way in, and such columns on the way out.
 * SQLite has no type of its own for them, and keeps the numbers.
 *
 * @param columns The columns of instants, in whichever table.
 */
export function withInstants<Tables>(db: Kysely<Tables>, columns: ReadonlySet<string>): Kysely<Tables> {
  const engine = engineOf(db)
  return engine === 'sqlite' ? db : db.withPlugin(new InstantsPlugin(formats[engine], columns))
}

class InstantsPlugin implements KyselyPlugin {
  readonly #format: InstantFormat
  readonly #columns: ReadonlySet<string>
  readonly #parameters: InstantParameters

  constructor(format: InstantFormat, columns: ReadonlySet<string>) {
    this.#format = format
    this.#columns = columns
    this.#parameters = new InstantParameters(format, columns)
  }

  transformQuery({ node, queryId }: PluginTransformQueryArgs) {
    return this.#parameters.transformNode(node, queryId)
  }

  async transformResult({ result }: PluginTransformResultArgs) {
    const [first] = result.rows
    const columns = first ? Object.keys(first).filter((column) => this.#columns.has(column)) : []
    // The driver made the rows for this query only, so they may change.
    if (columns.length > 0) {
      for (const row of result.rows) for (const column of columns) row[column] = this.#format.read(row[column])
    }
    return result
  }
}

class InstantParameters extends OperationNodeTransformer {
  readonly #write: (instant: number) => string
  readonly #columns: ReadonlySet<string>

  constructor({ write }: InstantFormat, columns: ReadonlySet<string>) {
    super()
    this.#write = write
    this.#columns = columns
  }

  protected override transformBinaryOperation(node: BinaryOperationNode, queryId?: QueryId): BinaryOperationNode {
    const { leftOperand, rightOperand, ...rest } = super.transformBinaryOperation(node, queryId)
    return {
      ...rest,
      leftOperand,
      rightOperand: this.#isInstant(leftOperand) ? this.#bound(rightOperand) : rightOperand,
    }
  }

  protected override transformColumnUpdate(node: ColumnUpdateNode, queryId?: QueryId): ColumnUpdateNode {
    const { column, value, ...rest } = super.transformColumnUpdate(node, queryId)
    return { ...rest, column, value: this.#isInstant(column) ? this.#bound(value) : value }
  }

  protected override transformInsertQuery(node: InsertQueryNode, queryId?: QueryId): InsertQueryNode {
    const insert = super.transformInsertQuery(node, queryId)
    const { columns = [], values } = insert
    const isOfInstants = columns.map((column) => this.#isInstant(column))
    if (!values || !ValuesNode.is(values) || !isOfInstants.includes(true)) return insert
    const lists = values.values.map((list) =>
      PrimitiveValueListNode.is(list)
        ? { ...list, values: list.values.map((cell, index) => (isOfInstants[index] ? this.#cell(cell) : cell)) }
        : { ...list, values: list.values.map((cell, index) => (isOfInstants[index] ? this.#bound(cell) : cell)) },
    )
    return { ...insert, values: ValuesNode.create(lists) }
  }

  #bound<Node extends OperationNode>(node: Node): Node {
    return ValueNode.is(node) ? { ...node, value: this.#cell(node.value) } : node
  }

  #cell(cell: unknown): unknown {
    return typeof cell === 'number' ? this.#write(cell) : cell
  }

  #isInstant(node: OperationNode): boolean {
    if (ReferenceNode.is(node)) return this.#isInstant(node.column)
    return ColumnNode.is(node) && this.#columns.has(node.column.name)
  }
}
