import { EventEmitter } from 'eventemitter3'

/** Notifies listeners that something was stored for a job. */
export class JobChanges {
  readonly #emitter = new EventEmitter<string>()

  /** Calls `listener` on every change of the job. Returns a function that removes it. */
  listen(jobId: string, listener: () => void): () => void {
    this.#emitter.on(jobId, listener)
    return () => {
      this.#emitter.off(jobId, listener)
    }
  }

  emit(jobId: string): void {
    this.#emitter.emit(jobId)
  }

  /** The jobs that have listeners. */
  get jobIds(): readonly string[] {
    return this.#emitter.eventNames() as string[] // nothing but ids is ever listened to
  }
}
