/** Thrown when a database cannot be opened; the message says which one, and why. */
export class DatabaseError extends Error {}

/** @param place The file or the server. */
export function cannotBeOpened(place: string, cause: unknown): DatabaseError {
  const { message, code } = cause as { readonly message?: string; readonly code?: string }
  // Node's error for a name with several addresses has a code only.
  return new DatabaseError(`${place} cannot be opened: ${message || code || String(cause)}`, { cause })
}
