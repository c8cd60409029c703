import { EventEmitter } from 'node:events'
import type { Screen } from './progress-bar.ts'

/**
 * Calls `broken` with the error when something that was printed cannot be written: nobody reads it any more, or a disk is full.
 * Without a listener such an error ends the process. Returns what ends the listening.
 */
export function onBrokenOutput(screens: readonly Screen[], broken: (error: Error) => void): () => void {
  const streams = screens.filter((screen) => screen instanceof EventEmitter)
  for (const stream of streams) stream.on('error', broken)
  return () => {
    for (const stream of streams) stream.off('error', broken)
  }
}

/** True when whoever read has gone, which is no fault of the command: `recalc jobs | head` is in order. */
export function isReaderGone(error: Error): boolean {
  return 'code' in error && error.code === 'EPIPE'
}
