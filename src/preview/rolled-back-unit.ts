import { inUnitOfWork, type OpenUnit, type UnitRun, withUnits } from '../run/units/unit-runner.ts'

/** Carries what was found out of a transaction that must not commit. */
class RolledBack extends Error {
  readonly found: unknown

  constructor(found: unknown) {
    super('A preview never commits')
    this.found = found
  }
}

/**
 * Does something in one unit of work that holds the given employees in this process, and ends it by an error: nothing of it
 * stays.
 *
 * @returns what `work` returned.
 */
export async function inRolledBackUnit<Tx, T>(
  run: UnitRun<Tx>,
  keys: readonly string[],
  work: (unit: OpenUnit<Tx>) => Promise<T>,
): Promise<T> {
  try {
    return await withUnits<Tx, UnitRun<Tx>, never>(run, (owner) =>
      inUnitOfWork(owner, keys, async (unit) => {
        throw new RolledBack(await work(unit))
      }),
    )
  } catch (thrown) {
    if (thrown instanceof RolledBack) return thrown.found as T // as this call has put it there
    throw thrown
  }
}
