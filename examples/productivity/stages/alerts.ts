import type { Insertable } from 'kysely'
import { dayStage } from 'recalc-service'
import type { AlertsTable, Tx } from '../schema/tables.ts'
import { alertsOf } from '../scoring/alerts.ts'
import { rowsOf, type ScoredDays, scoredDays } from './scored-days.ts'
import { derivedTable } from './write/derived-table.ts'

type Row = Pick<Insertable<AlertsTable>, 'alert_type' | 'event_at' | 'severity' | 'message'>

const { fitting, ...table } = derivedTable<Row>({
  table: 'alerts',
  date: 'work_date',
  key: ['alert_type', 'event_at'],
  // Not the acknowledgement: an alert that is still due keeps it.
  columns: ['alert_type', 'event_at', 'severity', 'message'],
})

/** Rule 7: an alert per idle period and per shift that was left open. */
export const alerts = dayStage<readonly Row[], ScoredDays, Tx>({
  name: 'alerts',
  title: 'Raising alerts',
  reads: { scored_days: [0, 0] },
  writes: ['alerts'],
  load: async (_block, context) => context.valuesOf(scoredDays),
  calculate: (day, scored) =>
    fitting(
      rowsOf(day, scored, (found) =>
        alertsOf(found).map(({ type, at, severity, message }) => ({
          alert_type: type,
          event_at: at,
          severity,
          message,
        })),
      ),
    ),
  ...table,
})
