import { type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ImportError } from './import-error.ts'

/** Some lines of a file, whole ones. */
export interface Lines {
  readonly text: string
  /** The number of the first of them, counted from 1. */
  readonly first: number
}

const LINE_FEED = 0x0a

const CHUNK = 2 ** 16

/** No line is as long; what has none would be held in memory as a whole. */
const LONGEST_LINE = 2 ** 20

/**
 * Streams the lines of a text file in UTF-8, with or without a byte order mark, unpacking it when its name ends with `.gz`.
 * What is not UTF-8 comes as U+FFFD, the replacement character, for the reader to refuse where it is.
 *
 * @throws {ImportError} when the file cannot be read or unpacked to its end.
 */
export async function* readLines(path: string): AsyncGenerator<Lines> {
  let first = 1
  try {
    for await (const bytes of wholeLines(readBytes(path))) {
      yield { text: decode(first === 1 ? withoutMark(bytes) : bytes), first }
      first += countLines(bytes)
    }
  } catch (error) {
    if (error instanceof ImportError) throw error
    const message = error instanceof Error ? error.message : String(error)
    const isPacked = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
    if (isPacked) throw new ImportError(`${path}:${first}: cannot be unpacked: ${message}`, { cause: error })
    throw error instanceof TooLongError
      ? new ImportError(`${path}:${first}: ${message}`)
      : new ImportError(`${path} cannot be read: ${message}`, { cause: error })
  }
}

class TooLongError extends Error {}

/** Not `node:readline`: it does not pass on errors of what it reads, and takes a lone `\r` for the end of a line. */
async function* wholeLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk])
    const end = bytes.lastIndexOf(LINE_FEED) + 1
    if (end > 0) yield bytes.subarray(0, end)
    rest = bytes.subarray(end)
    if (rest.length > LONGEST_LINE) throw new TooLongError(`expected lines, got one of more than ${LONGEST_LINE} bytes`)
  }
  if (rest.length > 0) yield rest
}

async function* readBytes(path: string): AsyncGenerator<Buffer> {
  const file = await open(path)
  try {
    const isPacked = await beginsPacked(file)
    if (isPacked !== path.endsWith('.gz')) {
      const found = isPacked ? 'a packed file whose name does not end with .gz' : 'a file that is not packed'
      throw new ImportError(`${path}:1: expected what its name says, got ${found}`)
    }
    const chunks = chunksOf(file)
    if (!isPacked) return yield* chunks
    const gunzip = createGunzip()
    // `pipeline` ends what it returns with any error on the way, so there is nothing left for its callback to do.
    yield* pipeline(chunks, gunzip, () => {})
    // zlib stops where a packed part ends and no other begins, as if that were the end of the file.
    const { size } = await file.stat()
    if (gunzip.bytesWritten !== size) {
      const message = `${size - gunzip.bytesWritten} bytes follow that are not packed`
      throw Object.assign(new Error(message), { code: 'Z_TRAILING' })
    }
  } finally {
    await file.close()
  }
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK), 0, CHUNK, position)
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

async function beginsPacked(file: FileHandle): Promise<boolean> {
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0)
  return buffer.equals(Buffer.of(0x1f, 0x8b))
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).equals(Buffer.of(0xef, 0xbb, 0xbf)) ? bytes.subarray(3) : bytes
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  }
}

function countLines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) count += 1
  return count
}
