/** Lets through as many as it was told, in order. */
export interface Turnstile {
  pass(): Promise<void>
  admit(count: number): void
}

export function turnstile(): Turnstile {
  let free = 0
  const waiting: (() => void)[] = []
  return {
    async pass() {
      if (free > 0) free -= 1
      else await new Promise<void>((resolve) => waiting.push(resolve))
    },
    admit(count) {
      free += count
      while (free > 0 && waiting.length > 0) {
        free -= 1
        waiting.shift()?.()
      }
    },
  }
}
