import assert from 'node:assert/strict'

/** How long a backend may take for anything, in milliseconds. */
const LONGEST_MS = 5_000

/** What `promise` gives, or an error that says what never came about. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: `waited in vain: ${what}` })), LONGEST_MS)
  })
  try {
    return await Promise.race([promise, timeUp])
  } finally {
    clearTimeout(timer)
  }
}
