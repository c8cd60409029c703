import type { Logger } from './context.ts'

const silent = () => {}

/** Logs nothing. */
export const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent }

/** A host's logger of which no call can do harm: a log line that is lost must not cost a recalculation. */
export function harmlessLogger(logger: Logger): Logger {
  const { child } = logger
  return {
    ...levels((level) => (fields, message) => {
      try {
        logger[level](fields, message)
      } catch {
        // There is nothing left to report to.
      }
    }),
    ...(typeof child === 'function' && { child: (fields: object) => childOf(logger, fields) }),
  }
}

/** A logger whose every line has these fields. */
export function loggerWith(logger: Logger, own: object): Logger {
  if (logger.child) return logger.child(own)
  return levels((level) => (fields, message) => logger[level]({ ...own, ...fields }, message))
}

function childOf(logger: Logger, fields: object): Logger {
  try {
    const child = logger.child?.(fields)
    if (child) return harmlessLogger(child)
  } catch {
    // Its lines are better without a child than lost.
  }
  const { debug, info, warn, error } = harmlessLogger(logger)
  return loggerWith({ debug, info, warn, error }, fields)
}

type Line = (fields: object, message: string) => void

function levels(of: (level: 'debug' | 'info' | 'warn' | 'error') => Line): Logger {
  return { debug: of('debug'), info: of('info'), warn: of('warn'), error: of('error') }
}
