import { Kysely, MysqlDialect, type Transaction } from 'kysely'
import { createPool } from 'mysql2'

/** Dates are `YYYY-MM-DD`; a month is named by its first date. */
export interface Tables {
  employees: { tenant_id: string; id: string; name: string; hired_on: string; left_on: string | null }
  bookings: { tenant_id: string; id: number; employee_id: string; date: string; minutes: number }
  closed_months: { tenant_id: string; employee_id: string; month: string }
  balances: { tenant_id: string; employee_id: string; date: string; worked: number; target: number; balance: number }
  months: {
    tenant_id: string
    employee_id: string
    month: string
    overtime: number
    paid_out: number
    carried: number
  }
}

export type Tx = Transaction<Tables>

export function openDatabase(uri: string): Kysely<Tables> {
  // `dateStrings`: a DATE arrives as `2025-03-03`, not as an instant. Four units of work are open at once by default, and the
  // library needs a connection or two beside them; the rest is for requests.
  const pool = createPool({ uri, dateStrings: ['DATE'], connectionLimit: 10 })
  return new Kysely({ dialect: new MysqlDialect({ pool }) })
}
