/** An error of another process, as it was told. */
export class LaneFault extends Error {
  readonly code: string

  constructor({ code, message }: { readonly code: string; readonly message: string }) {
    super(message)
    this.name = 'LaneFault'
    this.code = code
  }
}
