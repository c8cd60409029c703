import { hash } from 'node:crypto'

/**
 * An id as bytes: UTF-8, as databases see it. What is no text (half of a surrogate pair) has bytes of its own, which begin
 * with one that UTF-8 does not have.
 */
function bytesOfId(id: string): Buffer {
  return id.isWellFormed() ? Buffer.from(id) : Buffer.concat([Buffer.of(0xff), Buffer.from(JSON.stringify(id))])
}

/** A key of fixed length, as triggers make it too: SHA-256 of the id in UTF-8. */
export function hashedKey(id: string): string {
  return hash('sha256', bytesOfId(id), 'hex')
}

/** For engines without a hash function that a trigger could call. */
export function hexKey(id: string): string {
  return bytesOfId(id).toString('hex').toUpperCase()
}
