import type { Logger } from './context.ts'

const silent = () => {}

/** Logs nothing. */
export const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent }

/** A host's logger of which no call can do harm: a log line that is lost must not cost a recalculation. */
export function harmlessLogger(logger: Logger): Logger {
  const level = (name: keyof Logger) => (fields: object, message: string) => {
    try {
      logger[name](fields, message)
    } catch {
      // There is nothing left to report to.
    }
  }
  return { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') }
}
