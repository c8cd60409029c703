/** A stage's own code threw: the error, and which stage it was. */
export class StageFailure extends Error {
  readonly stage: string

  constructor(stage: string, cause: unknown) {
    super(`Stage "${stage}" failed`, { cause })
    this.stage = stage
  }
}

/** What the host's code threw, without the note which stage it was. */
export function thrownBy(error: unknown): unknown {
  return error instanceof StageFailure ? error.cause : error
}
