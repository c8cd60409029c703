/** Where things are, as answers name them. */
export class Paths {
  readonly #base: string

  constructor(basePath: string) {
    this.#base = basePath
  }

  /** Of a route, such as `/status/:job_id`. */
  of(route: string): string {
    return route === '/' ? this.#base || '/' : this.#base + route
  }

  status(jobId: string): string {
    return this.of(`/status/${encodeURIComponent(jobId)}`)
  }

  stream(jobId: string): string {
    return this.of(`/stream/${encodeURIComponent(jobId)}`)
  }
}
