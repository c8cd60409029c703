import { EventEmitter } from 'eventemitter3'

/** Who wants to hear that something was stored for a job. */
export class JobChanges {
  readonly #emitter = new EventEmitter<string>()

  /** Calls `listener` whenever the job is told of; returns what ends that. */
  listen(jobId: string, listener: () => void): () => void {
    this.#emitter.on(jobId, listener)
    return () => {
      this.#emitter.off(jobId, listener)
    }
  }

  tell(jobId: string): void {
    this.#emitter.emit(jobId)
  }

  /** The jobs that somebody listens to. */
  get jobIds(): readonly string[] {
    return this.#emitter.eventNames() as string[] // nothing but ids is ever listened to
  }
}
