/** A door in a named place: whoever arrives waits until the test opens it. */
export interface Gate {
  /** Resolves when somebody has arrived. */
  readonly arrived: Promise<void>
  /** Arrive, and wait. */
  pass(): Promise<void>
  open(): void
}

export function gate(): Gate {
  const arrival = Promise.withResolvers<void>()
  const opening = Promise.withResolvers<void>()
  return {
    arrived: arrival.promise,
    pass: () => {
      arrival.resolve()
      return opening.promise
    },
    open: () => opening.resolve(),
  }
}
