import type { EmployeePage } from '../net/api-types.ts'
import { type Problem, problemOf } from '../net/problem.ts'
import type { GridRows, RowRequest } from './grid-rows.ts'
import type { Span } from './layout.ts'

export interface LoaderOptions {
  read(request: RowRequest): Promise<EmployeePage>
  /** Rows were added or read anew; `null`, or why that failed. */
  onChange(problem: Problem | null): void
}

/** The least time between two reads that only bring rows up to date. */
const REFRESH_MS = 1_000

/** Reads, one request at a time, what is wanted to be seen; the latest wish counts. */
export class RowLoader {
  readonly #rows: GridRows
  readonly #options: LoaderOptions
  #span: Span = { from: 0, to: 0 }
  #version = 0
  #reading = false
  #stopped = false
  #readAtMs = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(rows: GridRows, options: LoaderOptions) {
    this.#rows = rows
    this.#options = options
  }

  /** Sees to it that the rows of `span` are known, as they are since `version`. */
  want(span: Span, version: number): void {
    this.#span = span
    this.#version = version
    this.#pump()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #pump(): void {
    clearTimeout(this.#timer)
    if (this.#reading || this.#stopped) return
    const version = this.#version
    const request = this.#rows.wanted(this.#span, version)
    if (!request) return
    const wait = request.at < this.#rows.known ? this.#readAtMs + REFRESH_MS - performance.now() : 0
    if (wait > 0) this.#timer = setTimeout(() => this.#pump(), wait)
    else void this.#read(request, version)
  }

  async #read(request: RowRequest, version: number): Promise<void> {
    this.#reading = true
    this.#readAtMs = performance.now()
    let problem: Problem | null = null
    try {
      const page = await this.#options.read(request)
      if (!this.#stopped) this.#rows.add(request, page, version)
    } catch (error) {
      problem = problemOf(error)
    }
    this.#reading = false
    if (this.#stopped) return
    this.#options.onChange(problem)
    if (!problem) this.#pump()
    // Whoever reports that the server is back also wants the rows again.
    else if (problem.passing) this.#timer = setTimeout(() => this.#pump(), 2 * REFRESH_MS)
  }
}
