import type { Asked } from '../net/api.ts'
import type { EmployeePage } from '../net/api-types.ts'
import { type Problem, problemOf } from '../net/problem.ts'
import type { GridRows, RowRequest } from './grid-rows.ts'
import type { Span } from './layout.ts'

export interface LoaderOptions {
  read(request: RowRequest, asked: Asked): Promise<EmployeePage>
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
  /** Of what the server does not want to tell, and need not be asked for again before something happens. */
  #refused = -1
  #readAtMs = Number.NEGATIVE_INFINITY
  readonly #stop = new AbortController()
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
    this.#stop.abort()
    clearTimeout(this.#timer)
  }

  #pump(): void {
    clearTimeout(this.#timer)
    const version = this.#version
    if (this.#reading || this.#stop.signal.aborted || this.#refused === version) return
    const request = this.#rows.wanted(this.#span, version)
    if (!request) return
    const wait = request.at < this.#rows.known ? this.#readAtMs + REFRESH_MS - performance.now() : 0
    if (wait > 0) this.#timer = setTimeout(() => this.#pump(), wait)
    else void this.#read(request, version)
  }

  async #read(request: RowRequest, version: number): Promise<void> {
    this.#reading = true
    const first = this.#readAtMs === Number.NEGATIVE_INFINITY
    this.#readAtMs = performance.now()
    let problem: Problem | null = null
    try {
      const page = await this.#options.read(request, { urgent: first, signal: this.#stop.signal })
      if (!this.#stop.signal.aborted) this.#rows.add(request, page, version)
    } catch (error) {
      problem = problemOf(error)
    }
    if (this.#stop.signal.aborted) return
    if (problem && !problem.passing) this.#refused = version
    this.#reading = false
    this.#options.onChange(problem)
    // How long to wait after a failure the API's pace knows.
    this.#pump()
  }
}
