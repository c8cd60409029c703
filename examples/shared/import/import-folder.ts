import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { countOnBehindIds } from '../database/identity.ts'
import { anyTable, type Cell } from '../database/upsert.ts'
import { ImportError } from './import-error.ts'
import { type Keys, rowsOf, type SourceFile } from './source-file.ts'
import { type RowCounts, TableWriter } from './table-writer.ts'

/**
 * Reads the files of a folder into their tables. Rows are known by their keys: new ones are added, those that differ are
 * changed, all others are left, also those that no file names. Everything is checked before anything is written, and
 * written in one transaction; a file is read twice for that, and never held in memory.
 *
 * @param files In an order in which each comes behind those that it refers to.
 * @returns What was done, by table.
 * @throws {ImportError} when a file is missing, or not as it should be; then nothing was written.
 */
export async function importFolder<Schema>(
  db: Kysely<Schema>,
  folder: string,
  files: readonly SourceFile[],
): Promise<ReadonlyMap<string, RowCounts>> {
  const names = await namesIn(folder)
  const found = files.flatMap((file) => {
    const name = nameOf(file, names, folder)
    return name === undefined ? [] : [{ file, path: join(folder, name) }]
  })

  const keys = await referencedKeys(db, files)
  for (const { file, path } of found) {
    const own = keys.get(file.table)
    for await (const rows of rowsOf(path, file, keys)) {
      if (own) for (const row of rows) own.add(row[file.key[0] ?? ''] ?? null)
    }
  }

  return db.transaction().execute(async (tx) => {
    const writer = new TableWriter(tx, [
      ...found.flatMap(({ file }) => file.introduces?.table ?? []),
      ...found.map(({ file }) => file.table),
    ])
    for (const { file, path } of found) {
      for await (const rows of rowsOf(path, file, keys)) await writer.write(file, rows)
      if (file.key.includes('id')) await countOnBehindIds(tx, file.table)
    }
    return writer.counts
  })
}

/** @throws {ImportError} when there is no such folder. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    throw new ImportError(`The folder ${folder} cannot be read`, { cause: error })
  }
}

function nameOf({ name, isOptional }: SourceFile, names: readonly string[], folder: string): string | undefined {
  const endings = [`${name}.csv`, `${name}.csv.gz`]
  const found = names.filter((candidate) => endings.some((ending) => candidate.endsWith(ending)))
  if (found.length === 1 || (found.length === 0 && isOptional)) return found[0]
  const others = found.length === 0 ? 'none' : found.join(', ')
  throw new ImportError(`Expected one file in ${folder} whose name ends with ${endings.join(' or ')}, found ${others}`)
}

/** Of the tables that others refer to: they are small. */
async function referencedKeys<Schema>(db: Kysely<Schema>, files: readonly SourceFile[]) {
  const tables = new Set(files.flatMap(({ references }) => Object.values(references ?? {})))
  const keys = new Map<string, Set<Cell>>()
  for (const { table, key } of files.filter((file) => tables.has(file.table))) {
    const [column = ''] = key
    const rows = await anyTable(db).selectFrom(table).select(column).execute()
    keys.set(table, new Set(rows.map((row) => row[column] ?? null)))
  }
  return keys satisfies Keys
}
