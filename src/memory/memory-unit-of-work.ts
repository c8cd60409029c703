import type { UnitOfWork } from '../run/units/unit-of-work.ts'

/** No transaction at all: for calculators whose writes need none, and for trying things out. */
export function memoryUnitOfWork(): UnitOfWork<undefined> {
  return {
    run: (work) => work(undefined),
    async lockEmployees() {
      // Within one process the library's own locks are enough.
    },
    rollsBack: false,
    isTransient: () => false,
  }
}
