import { addDays, datesBetween, dayBounds } from 'recalc-service'
import type { Workload } from '../server/workload.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** A join by overlapping times goes by equal cells of time first: a range per row of both sides has no index. */
const CELL = DAY

/** Windows up to this length can only touch a shift that begins within it of their start; the few others are joined apart. */
const SHORT = HOUR

const EMPLOYEE = 'employee_id varchar(64) collate "C" not null'

/** Milliseconds since 1970 of a column, and the other way round. */
const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::bigint`
const datetime = (column: string) => `to_timestamp(${column} / 1000.0)`
const literal = (instant: number) => `'${new Date(instant).toISOString()}'`

const WORKING_TABLES = {
  logs: `id int not null, ${EMPLOYEE}, role_id int not null, window_start bigint not null, window_end bigint not null,
    items_count int not null`,
  shifts: `${EMPLOYEE}, d date not null, inside boolean not null, s bigint not null, e bigint not null, pause bigint not null`,
  merged: `id int generated always as identity, ${EMPLOYEE}, d date not null, a bigint not null, b bigint not null`,
  // Merged shifts, and who owns a stretch of time, by cell.
  cells: `${EMPLOYEE}, cell int not null, id int not null, a bigint not null, b bigint not null`,
  owners: `${EMPLOYEE}, cell int not null, d date not null, s bigint not null, e bigint not null`,
  idle: `${EMPLOYEE}, d date not null, s bigint not null, e bigint not null, threshold bigint not null`,
  work: `${EMPLOYEE}, d date not null, items bigint not null, points bigint not null`,
}

/** Temporary tables, with the indexes that help, and the days' bounds. */
export function prepareSession({ zone, from, to }: Workload): readonly string[] {
  const days = datesBetween(addDays(from, -2), addDays(to, 2)).map((date) => {
    const { start, end } = dayBounds(date, zone)
    return `('${date}', ${start.getTime()}, ${end.getTime()}, ${date >= from && date <= to})`
  })
  return [
    "set work_mem = '64MB'",
    'create temporary table days (d date primary key, s bigint not null, e bigint not null, inside boolean not null)',
    `insert into days values ${days.join(', ')}`,
    `create temporary table roles as
     select id, (multiplier * 100)::int points, expected_per_hour per_hour,
       case role_type when 'continuous' then idle_threshold_minutes * 60000::bigint end idle_ms
     from role_configs`,
    ...Object.entries(WORKING_TABLES).map(([table, columns]) => `create temporary table ${table} (${columns})`),
    'create index on shifts (employee_id, s)',
    'create index on days (s)',
    'analyze days, roles',
  ]
}

/** Rule 4, in whole milliseconds. */
const THRESHOLD =
  'coalesce(r.idle_ms, greatest(180000, (2 * l.items_count * 3780000::bigint + r.per_hour) / (2 * r.per_hour)))'

/** Rules 1 to 6 for employees from `first` to `last`. */
export function statementsFor(
  { zone, from, to, asOf }: Workload,
  { first, last }: { readonly first: string; readonly last: string },
): readonly string[] {
  const start = dayBounds(from, zone).start.getTime()
  const end = dayBounds(to, zone).end.getTime()
  const own = `employee_id between '${first}' and '${last}'`
  const windowEnd = `greatest(l.window_start, least(l.window_end, ${asOf.getTime()}))`
  return [
    `truncate table ${Object.keys(WORKING_TABLES).join(', ')}`,

    `insert into logs
     select id, employee_id, role_id, ${ms('window_start')}, ${ms('window_end')}, items_count
     from activity_logs where ${own} and window_start < ${literal(end + 2 * DAY)}`,

    // Rule 1. A shift from before, or from behind, may own what is done within; it has no day of its own here.
    `insert into shifts
     select c.employee_id, coalesce(d.d, '1000-01-01'), coalesce(d.inside, false), c.clock_in,
       least(greatest(c.clock_in, coalesce(c.clock_out, least(${asOf.getTime()}, c.clock_in + ${16 * HOUR}))), c.clock_in + ${DAY}),
       c.break_minutes * 60000::bigint
     from (
       select employee_id, ${ms('clock_in')} clock_in, ${ms('clock_out')} clock_out, break_minutes from clock_times
       where ${own} and clock_in >= ${literal(start - DAY)} and clock_in < ${literal(end + 2 * DAY)}
     ) c left join days d on c.clock_in >= d.s and c.clock_in < d.e`,
    'analyze logs, shifts',
    `insert into merged (employee_id, d, a, b)
     select employee_id, d,
       greatest(min(s), least(max(e), coalesce((
         select max(x.e) from shifts x cross join days y
         where y.d = numbered.d and x.employee_id = numbered.employee_id and x.s < y.s and x.s >= y.s - ${DAY}), 0))),
       max(e)
     from (
       select employee_id, d, s, e, sum(is_new) over (partition by employee_id, d order by s, e rows unbounded preceding) n
       from (
         select employee_id, d, s, e, coalesce((s >= max(e) over (
           partition by employee_id, d order by s, e rows between unbounded preceding and 1 preceding))::int, 1) is_new
         from shifts where inside
       ) told_apart
     ) numbered
     group by employee_id, d, n`,
    `insert into cells
     select m.employee_id, cell, m.id, m.a, m.b
     from merged m cross join generate_series((m.a - ${SHORT}) / ${CELL}, (m.b - 1) / ${CELL}) cell
     where m.b > m.a`,

    // Rule 2: between any two instants at which a shift begins or ends, or a day, one work date owns the time.
    `insert into owners
     select p.employee_id, cell,
       coalesce(
         (select x.d from shifts x where x.employee_id = p.employee_id and x.s <= p.t and x.s > p.t - (select max(e - s) from shifts) and x.e > p.t
          order by x.s desc limit 1),
         (select y.d from days y where y.s <= p.t order by y.s desc limit 1)),
       p.t, p.next_t
     from (
       select employee_id, t, lead(t) over (partition by employee_id order by t) next_t from (
         select employee_id, s t from shifts
         union select employee_id, e from shifts
         union select e.id, d.s from employees e cross join days d where e.id between '${first}' and '${last}'
       ) instants
     ) p cross join generate_series(p.t / ${CELL}, (p.next_t - 1) / ${CELL}) cell
     where p.next_t is not null`,
    'analyze merged, cells, owners',

    // Rule 3, and with it the days that have activities.
    `insert into work
     select o.employee_id, o.d, sum(l.items_count), sum(l.items_count * r.points)
     from logs l
       join owners o on o.employee_id = l.employee_id and o.cell = l.window_start / ${CELL}
         and l.window_start >= o.s and l.window_start < o.e
       join roles r on r.id = l.role_id
     where l.${own} and l.window_start >= ${start - DAY} and l.window_start < ${end + 2 * DAY}
     group by o.employee_id, o.d`,

    // Rule 4. Only a window that ends no earlier than all before it can have a gap behind it. An empty window in front of
    // the shift makes the first gap one like the others.
    `insert into idle
     select m.employee_id, m.d, w.we, coalesce(w.next_ws, m.b), case when w.next_ws is null then 900000 else w.threshold end
     from (
       select id, we, threshold, lead(ws) over (partition by id order by ws, log_id) next_ws from (
         select id, ws, we, log_id, threshold,
           max(we) over (partition by id order by ws, log_id rows between unbounded preceding and 1 preceding) latest
         from (
           select id, a ws, a we, 0 log_id, 900000::bigint threshold from merged where b > a
           union all
           select m.id, greatest(l.window_start, m.a), least(${windowEnd}, m.b), l.id, ${THRESHOLD}
           from logs l
             join cells m on m.employee_id = l.employee_id and m.cell = l.window_start / ${CELL}
               and l.window_start < m.b and (${windowEnd} > m.a or l.window_start >= m.a)
             join roles r on r.id = l.role_id
           where l.${own} and l.window_end - l.window_start <= ${SHORT}
             and l.window_start >= ${start - SHORT} and l.window_start < ${end + 2 * DAY}
           union all
           select m.id, greatest(l.window_start, m.a), least(${windowEnd}, m.b), l.id, ${THRESHOLD}
           from logs l
             join merged m on m.employee_id = l.employee_id and l.window_start < m.b and (${windowEnd} > m.a or l.window_start >= m.a)
             join roles r on r.id = l.role_id
           where l.${own} and l.window_end - l.window_start > ${SHORT} and m.b > m.a
         ) touching
       ) running where latest is null or we >= latest
     ) w join merged m on m.id = w.id
     where coalesce(w.next_ws, m.b) - w.we > case when w.next_ws is null then 900000 else w.threshold end`,
    `insert into idle_periods
     select employee_id, d, ${datetime('s')}, ${datetime('e')}, (e - s) / 60000, ((200 * threshold + 60000) / 120000) / 100.0 from idle`,

    // Rules 1, 3, 5 and 6.
    `insert into daily_scores
     select employee_id, d, items, points / 100.0, clocked / 60000, idle / 60000, active / 60000,
       case when clocked / 60000 = 0 then 0
         else (20000 * (active / 60000) + clocked / 60000) / (2 * (clocked / 60000)) / 10000.0 end
     from (
       select k.employee_id, k.d, coalesce(w.items, 0) items, coalesce(w.points, 0) points, coalesce(i.idle, 0) idle,
         coalesce(t.clocked, 0) clocked, greatest(0, coalesce(t.clocked, 0) - coalesce(i.excess, 0)) active
       from (
         select employee_id, d from merged union select w.employee_id, w.d from work w join days using (d) where inside
       ) k
         left join work w using (employee_id, d)
         left join (
           select m.employee_id, m.d, greatest(0, m.length - p.pause) clocked
           from (select employee_id, d, sum(b - a)::bigint length from merged group by employee_id, d) m
             join (select employee_id, d, sum(pause)::bigint pause from shifts where inside group by employee_id, d) p
               using (employee_id, d)
         ) t using (employee_id, d)
         left join (
           select employee_id, d, sum(e - s)::bigint idle, sum(e - s - threshold)::bigint excess from idle group by employee_id, d
         ) i using (employee_id, d)
     ) scored`,
  ]
}
