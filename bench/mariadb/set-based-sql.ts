import { addDays, datesBetween, dayBounds } from 'recalc-service'
import type { Workload } from '../server/workload.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** A join by overlapping times goes by equal cells of time first: for a range per row MariaDB uses no index. */
const CELL = DAY

/** Windows up to this length can only touch a shift that begins within it of their start; the few others are joined apart. */
const SHORT = HOUR

const EMPLOYEE = 'employee_id varchar(64) collate utf8mb4_nopad_bin not null'

/** Milliseconds since 1970 of a column, and the other way round. */
const ms = (column: string) => `timestampdiff(microsecond, '1970-01-01', ${column}) div 1000`
const datetime = (column: string) => `timestampadd(microsecond, ${column} * 1000, timestamp '1970-01-01 00:00:00.000')`
const literal = (instant: number) => `'${new Date(instant).toISOString().slice(0, -1)}'`

const WORKING_TABLES = {
  logs: `id int not null, ${EMPLOYEE}, role_id int not null, window_start bigint not null, window_end bigint not null,
    items_count int not null, key by_employee (employee_id, window_start) using btree`,
  shifts: `${EMPLOYEE}, d date not null, inside int not null, s bigint not null, e bigint not null, pause bigint not null,
    key (employee_id, s) using btree`,
  merged: `id int auto_increment primary key, ${EMPLOYEE}, d date not null, a bigint not null, b bigint not null, key (employee_id)`,
  // Merged shifts, and who owns a stretch of time, by cell.
  cells: `${EMPLOYEE}, cell int not null, id int not null, a bigint not null, b bigint not null, key (employee_id, cell) using hash`,
  owners: `${EMPLOYEE}, cell int not null, d date not null, s bigint not null, e bigint not null, key (employee_id, cell) using hash`,
  idle: `${EMPLOYEE}, d date not null, s bigint not null, e bigint not null, threshold bigint not null`,
  work: `${EMPLOYEE}, d date not null, items bigint not null, points bigint not null, primary key (employee_id, d)`,
}

/** Temporary tables in memory, with the indexes that help, and the days' bounds, for which MariaDB has no time zones. */
export function prepareSession({ zone, from, to }: Workload): readonly string[] {
  const days = datesBetween(addDays(from, -2), addDays(to, 2)).map((date) => {
    const { start, end } = dayBounds(date, zone)
    return `('${date}', ${start.getTime()}, ${end.getTime()}, ${date >= from && date <= to ? 1 : 0})`
  })
  return [
    'set session transaction isolation level read committed',
    `set session sort_buffer_size = ${64 * 2 ** 20}, tmp_table_size = ${256 * 2 ** 20}, max_heap_table_size = ${256 * 2 ** 20}`,
    'create temporary table days (d date primary key, s bigint not null, e bigint not null, inside int not null, key (s) using btree) engine = memory',
    `insert into days values ${days.join(', ')}`,
    `create temporary table roles (id int primary key, points int not null, idle_ms bigint, per_hour int) engine = memory
     select id, cast(multiplier * 100 as signed) points, expected_per_hour per_hour,
       case role_type when 'continuous' then idle_threshold_minutes * 60000 end idle_ms
     from role_configs`,
    ...Object.entries(WORKING_TABLES).map(
      ([table, columns]) => `create temporary table ${table} (${columns}) engine = memory`,
    ),
  ]
}

/** Rule 4, in whole milliseconds. */
const THRESHOLD =
  'coalesce(r.idle_ms, greatest(180000, (2 * l.items_count * 3780000 + r.per_hour) div (2 * r.per_hour)))'

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
    ...Object.keys(WORKING_TABLES).map((table) => `truncate table ${table}`),

    `insert into logs
     select id, employee_id, role_id, ${ms('window_start')}, ${ms('window_end')}, items_count
     from activity_logs where ${own} and window_start < ${literal(end + 2 * DAY)}`,

    // Rule 1. A shift from before, or from behind, may own what is done within; it has no day of its own here.
    `insert into shifts
     select c.employee_id, coalesce(d.d, '1000-01-01'), coalesce(d.inside, 0), c.clock_in,
       least(greatest(c.clock_in, coalesce(c.clock_out, least(${asOf.getTime()}, c.clock_in + ${16 * HOUR}))), c.clock_in + ${DAY}),
       c.break_minutes * 60000
     from (
       select employee_id, ${ms('clock_in')} clock_in, ${ms('clock_out')} clock_out, break_minutes from clock_times
       where ${own} and clock_in >= ${literal(start - DAY)} and clock_in < ${literal(end + 2 * DAY)}
     ) c left join days d on c.clock_in >= d.s and c.clock_in < d.e`,
    'select coalesce(max(e - s), 0) into @longest from shifts',
    `insert into merged (employee_id, d, a, b)
     select employee_id, d,
       greatest(min(s), least(max(e), coalesce((
         select max(x.e) from shifts x join days y
         where y.d = numbered.d and x.employee_id = numbered.employee_id and x.s < y.s and x.s >= y.s - ${DAY}), 0))),
       max(e)
     from (
       select employee_id, d, s, e, sum(is_new) over (partition by employee_id, d order by s, e rows unbounded preceding) n
       from (
         select employee_id, d, s, e, coalesce(s >= max(e) over (
           partition by employee_id, d order by s, e rows between unbounded preceding and 1 preceding), 1) is_new
         from shifts where inside
       ) told_apart
     ) numbered
     group by employee_id, d, n`,
    `insert into cells
     select m.employee_id, (m.a - ${SHORT}) div ${CELL} + n.seq, m.id, m.a, m.b
     from merged m join seq_0_to_31 n on n.seq <= (m.b - 1) div ${CELL} - (m.a - ${SHORT}) div ${CELL}
     where m.b > m.a`,

    // Rule 2: between any two instants at which a shift begins or ends, or a day, one work date owns the time.
    `insert into owners
     select p.employee_id, p.t div ${CELL} + n.seq,
       coalesce(
         (select x.d from shifts x where x.employee_id = p.employee_id and x.s <= p.t and x.s > p.t - @longest and x.e > p.t
          order by x.s desc limit 1),
         (select y.d from days y where y.s <= p.t order by y.s desc limit 1)),
       p.t, p.next_t
     from (
       select employee_id, t, lead(t) over (partition by employee_id order by t) next_t from (
         select employee_id, s t from shifts
         union select employee_id, e from shifts
         union select e.id, d.s from employees e join days d where e.id between '${first}' and '${last}'
       ) instants
     ) p join seq_0_to_31 n on n.seq <= (p.next_t - 1) div ${CELL} - p.t div ${CELL}
     where p.next_t is not null`,

    // Rule 3, and with it the days that have activities.
    `insert into work
     select o.employee_id, o.d, sum(l.items_count), sum(l.items_count * r.points)
     from logs l
       straight_join owners o on o.employee_id = l.employee_id and o.cell = l.window_start div ${CELL}
         and l.window_start >= o.s and l.window_start < o.e
       straight_join roles r on r.id = l.role_id
     where l.${own} and l.window_start >= ${start - DAY} and l.window_start < ${end + 2 * DAY}
     group by o.employee_id, o.d`,

    // Rule 4. Only a window that ends no earlier than all before it can have a gap behind it. An empty window in front of
    // the shift makes the first gap one like the others.
    `insert into idle
     select m.employee_id, m.d, w.we, coalesce(w.next_ws, m.b), if(w.next_ws is null, 900000, w.threshold)
     from (
       select id, we, threshold, lead(ws) over (partition by id order by ws, log_id) next_ws from (
         select id, ws, we, log_id, threshold,
           max(we) over (partition by id order by ws, log_id rows between unbounded preceding and 1 preceding) latest
         from (
           select id, a ws, a we, 0 log_id, 900000 threshold from merged where b > a
           union all
           select m.id, greatest(l.window_start, m.a), least(${windowEnd}, m.b), l.id, ${THRESHOLD}
           from logs l force index (by_employee)
             straight_join cells m on m.employee_id = l.employee_id and m.cell = l.window_start div ${CELL}
               and l.window_start < m.b and (${windowEnd} > m.a or l.window_start >= m.a)
             straight_join roles r on r.id = l.role_id
           where l.${own} and l.window_end - l.window_start <= ${SHORT}
             and l.window_start >= ${start - SHORT} and l.window_start < ${end + 2 * DAY}
           union all
           select m.id, greatest(l.window_start, m.a), least(${windowEnd}, m.b), l.id, ${THRESHOLD}
           from logs l force index (by_employee)
             straight_join merged m on m.employee_id = l.employee_id and l.window_start < m.b and (${windowEnd} > m.a or l.window_start >= m.a)
             straight_join roles r on r.id = l.role_id
           where l.${own} and l.window_end - l.window_start > ${SHORT} and m.b > m.a
         ) touching
       ) running where latest is null or we >= latest
     ) w join merged m on m.id = w.id
     where coalesce(w.next_ws, m.b) - w.we > if(w.next_ws is null, 900000, w.threshold)`,
    `insert into idle_periods
     select employee_id, d, ${datetime('s')}, ${datetime('e')}, (e - s) div 60000, ((200 * threshold + 60000) div 120000) / 100 from idle`,

    // Rules 1, 3, 5 and 6.
    `insert into daily_scores
     select employee_id, d, items, points / 100, clocked div 60000, idle div 60000, active div 60000,
       if(clocked div 60000 = 0, 0, (20000 * (active div 60000) + clocked div 60000) div (2 * (clocked div 60000)) / 10000)
     from (
       select k.employee_id, k.d, coalesce(w.items, 0) items, coalesce(w.points, 0) points, coalesce(i.idle, 0) idle,
         coalesce(t.clocked, 0) clocked, greatest(0, coalesce(t.clocked, 0) - coalesce(i.excess, 0)) active
       from (
         select employee_id, d from merged union select w.employee_id, w.d from work w join days using (d) where inside
       ) k
         left join work w using (employee_id, d)
         left join (
           select m.employee_id, m.d, greatest(0, m.length - p.pause) clocked
           from (select employee_id, d, sum(b - a) length from merged group by employee_id, d) m
             join (select employee_id, d, sum(pause) pause from shifts where inside group by employee_id, d) p
               using (employee_id, d)
         ) t using (employee_id, d)
         left join (
           select employee_id, d, sum(e - s) idle, sum(e - s - threshold) excess from idle group by employee_id, d
         ) i using (employee_id, d)
     ) scored`,
  ]
}
