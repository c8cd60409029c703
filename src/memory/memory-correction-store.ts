import type { Booking, BookingQuery, CorrectionStore } from '../run/corrections/correction-store.ts'
import type { AfterCommit } from '../run/journal.ts'

/** Corrections that were taken over, in the memory of this process. */
export class MemoryCorrectionStore implements CorrectionStore<unknown> {
  /** Tenant → employee → the last bookings, by stage and date. */
  readonly #bookings = new Map<string, Map<string, Map<string, Booking>>>()
  /** Tenant → every correction that was taken over. */
  readonly #taken = new Map<string, Set<string>>()

  async bookings(_tx: unknown, { tenantId, employeeIds, from, to }: BookingQuery): Promise<readonly Booking[]> {
    const employees = this.#bookings.get(tenantId)
    return employeeIds
      .flatMap((id) => [...(employees?.get(id)?.values() ?? [])])
      .filter(({ date, through }) => date <= to && through >= from)
  }

  async takenOver(_tx: unknown, tenantId: string, corrections: readonly string[]): Promise<ReadonlySet<string>> {
    const taken = this.#taken.get(tenantId)
    return new Set(corrections.filter((correction) => taken?.has(correction)))
  }

  async book(_tx: unknown, tenantId: string, bookings: readonly Booking[]): Promise<AfterCommit> {
    return () => {
      for (const booking of bookings) this.#add(tenantId, booking)
    }
  }

  #add(tenantId: string, booking: Booking): void {
    const { employeeId, stage, date, correction } = booking
    const taken = this.#taken.get(tenantId) ?? new Set()
    this.#taken.set(tenantId, taken.add(correction))
    const employees = this.#bookings.get(tenantId) ?? new Map<string, Map<string, Booking>>()
    this.#bookings.set(tenantId, employees)
    const own = employees.get(employeeId) ?? new Map<string, Booking>()
    employees.set(employeeId, own.set(`${date}/${stage}`, booking))
  }
}
