import { type Kysely, sql } from 'kysely'

/** A shift or a window that lasts longer is looked up by its end; see `createTables`. */
export const LONG = 24 * 60 * 60_000

const sourceTables = [
  `create table employees (
    id varchar(64) not null primary key,
    name varchar(255) not null,
    is_active integer not null default 1
  )`,
  `create table role_configs (
    id integer not null primary key,
    role_name varchar(255) not null,
    role_type varchar(16) not null,
    multiplier decimal(6, 2) not null,
    expected_per_hour integer,
    idle_threshold_minutes integer,
    constraint role_has_what_its_type_needs check (
      (role_type = 'batch' and coalesce(expected_per_hour, 0) > 0)
      or (role_type = 'continuous' and coalesce(idle_threshold_minutes, -1) >= 0)
    )
  )`,
  `create table clock_times (
    id integer not null primary key,
    employee_id varchar(64) not null,
    clock_in bigint not null,
    clock_out bigint,
    break_minutes integer not null default 0,
    long_clock_out bigint generated always as (case when clock_out - clock_in > ${LONG} then clock_out end) virtual,
    foreign key (employee_id) references employees (id)
  )`,
  'create index clock_times_by_employee on clock_times (employee_id, clock_in)',
  'create index clock_times_by_time on clock_times (clock_in)',
  'create index clock_times_long on clock_times (employee_id, long_clock_out)',
  `create table activity_logs (
    id integer not null primary key,
    employee_id varchar(64) not null,
    role_id integer not null,
    window_start bigint not null,
    window_end bigint not null,
    items_count integer not null,
    long_window_end bigint generated always as
      (case when window_end - window_start > ${LONG} then window_end end) virtual,
    foreign key (employee_id) references employees (id),
    foreign key (role_id) references role_configs (id)
  )`,
  'create index activity_logs_by_employee on activity_logs (employee_id, window_start)',
  'create index activity_logs_by_time on activity_logs (window_start)',
  'create index activity_logs_long on activity_logs (employee_id, long_window_end)',
]

const derivedTables = [
  `create table daily_scores (
    employee_id varchar(64) not null,
    score_date date not null,
    items_processed bigint not null,
    points_earned decimal(12, 2) not null,
    clocked_minutes integer not null,
    idle_minutes integer not null,
    active_minutes integer not null,
    efficiency_rate decimal(5, 4) not null,
    primary key (employee_id, score_date),
    foreign key (employee_id) references employees (id)
  )`,
  'create index daily_scores_by_date on daily_scores (score_date)',
  // The work date is part of the key: when shifts of two days overlap, both may have an idle period from the same instant.
  `create table idle_periods (
    employee_id varchar(64) not null,
    work_date date not null,
    start_time bigint not null,
    end_time bigint not null,
    duration_minutes integer not null,
    threshold_minutes decimal(8, 2) not null,
    primary key (employee_id, work_date, start_time),
    foreign key (employee_id) references employees (id)
  )`,
  'create index idle_periods_by_date on idle_periods (work_date)',
]

/**
 * Creates the tables and their indexes in an empty database.
 *
 * "What touches this day" is a question that an index on the start alone cannot answer: something may have begun any time
 * before. So whatever lasts longer than 24 hours is in an index by its end too (a few rows), and for everything else it is
 * enough to look 24 hours farther back. Both are short ranges, however many years the tables hold.
 *
 * Every row references its employee, so whoever has rows can be found in `employees`. Who leaves stays there, inactive.
 */
export async function createTables<T>(db: Kysely<T>): Promise<void> {
  for (const statement of [...sourceTables, ...derivedTables]) await sql.raw(statement).execute(db)
}
