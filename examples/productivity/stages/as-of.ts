import type { CalcContext } from 'recalc-service'

/** The moment from which open shifts and the current status are seen, in milliseconds since 1970. */
export type AsOf = (context: Pick<CalcContext, 'now'>) => number
