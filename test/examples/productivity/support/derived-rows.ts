import type { Database } from '../../../../examples/productivity/schema/tables.ts'
import type { PlainAlert } from './plain/alerts.ts'
import type { OfDay, PlainDerived } from './plain/derive-all.ts'

/** Everything that is derived in a database, in one order. */
export async function derivedRows(db: Database) {
  return {
    dailyScores: await db.selectFrom('daily_scores').selectAll().orderBy('employee_id').orderBy('score_date').execute(),
    idlePeriods: await db
      .selectFrom('idle_periods')
      .selectAll()
      .orderBy('employee_id')
      .orderBy('work_date')
      .orderBy('start_time')
      .execute(),
    alerts: await db
      .selectFrom('alerts')
      .selectAll()
      .orderBy('employee_id')
      .orderBy('work_date')
      .orderBy('alert_type')
      .orderBy('event_at')
      .execute(),
    hourlyCosts: await db
      .selectFrom('employee_hourly_costs')
      .selectAll()
      .orderBy('employee_id')
      .orderBy('work_date')
      .execute(),
    primaryRoles: await db.selectFrom('employee_primary_roles').selectAll().orderBy('employee_id').execute(),
    currentStatus: await db.selectFrom('employee_current_status').selectAll().orderBy('employee_id').execute(),
  }
}

/** An alert with what the rules leave open: its wording, and whether somebody has seen to it. */
type StoredAlert = OfDay &
  PlainAlert & {
    readonly message: string
    readonly acknowledgedAt: number | null
    readonly acknowledgedBy: string | null
  }

/** The same in the words and the whole numbers of the plain rules. */
export async function derivedPlainly(
  db: Database,
): Promise<Omit<PlainDerived, 'alerts'> & { readonly alerts: readonly StoredAlert[] }> {
  const rows = await derivedRows(db)
  return {
    dailyScores: rows.dailyScores.map((row) => ({
      employeeId: row.employee_id,
      date: row.score_date,
      items: row.items_processed,
      points: whole(row.points_earned, 100),
      clockedMinutes: row.clocked_minutes,
      idleMinutes: row.idle_minutes,
      activeMinutes: row.active_minutes,
      efficiency: whole(row.efficiency_rate, 10_000),
    })),
    idlePeriods: rows.idlePeriods.map((row) => ({
      employeeId: row.employee_id,
      date: row.work_date,
      start: row.start_time,
      end: row.end_time,
      durationMinutes: row.duration_minutes,
      threshold: whole(row.threshold_minutes, 100),
    })),
    alerts: rows.alerts.map((row) => ({
      employeeId: row.employee_id,
      date: row.work_date,
      type: row.alert_type,
      eventAt: row.event_at,
      severity: row.severity,
      message: row.message,
      acknowledgedAt: row.acknowledged_at,
      acknowledgedBy: row.acknowledged_by,
    })),
    hourlyCosts: rows.hourlyCosts.map((row) => ({
      employeeId: row.employee_id,
      date: row.work_date,
      rate: whole(row.hourly_rate, 100),
      laborCost: whole(row.labor_cost, 100),
      costPerItem: row.cost_per_item === null ? null : whole(row.cost_per_item, 10_000),
    })),
    primaryRoles: rows.primaryRoles.map((row) => ({
      employeeId: row.employee_id,
      roleId: row.role_id,
      items: row.items,
      asOf: row.as_of,
    })),
    currentStatus: rows.currentStatus.map((row) => ({
      employeeId: row.employee_id,
      status: row.status,
      since: row.since,
      lastActivityAt: row.last_activity_at,
      roleId: row.role_id,
      itemsToday: row.items_today,
      pointsToday: whole(row.points_today, 100),
    })),
  }
}

function whole(decimal: number | string, parts: number): number {
  return Math.round(Number(decimal) * parts)
}
