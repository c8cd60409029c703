/** A stage's own code threw: the error, and which stage it was. */
export class StageFailure extends Error {
  readonly stage: string
  /** The transaction lived on: it is the code itself that failed, and it does so again. Undefined: nobody can tell. */
  readonly isCalculators: boolean | undefined

  constructor(stage: string, cause: unknown, isCalculators?: boolean) {
    super(`Stage "${stage}" failed`, { cause })
    this.stage = stage
    this.isCalculators = isCalculators
  }
}

/** What the host's code threw, without the note which stage it was. */
export function thrownBy(error: unknown): unknown {
  return error instanceof StageFailure ? error.cause : error
}

const fatal = new WeakSet<object>()

/** Marks an error that every block would meet: it ends the run, although the code of a stage throws it. */
export function asFatal<E extends Error>(error: E): E {
  fatal.add(error)
  return error
}

/** True for an error made by {@link asFatal}. */
export function isFatal(error: unknown): boolean {
  return typeof error === 'object' && error !== null && fatal.has(error)
}
