import { CompiledQuery, type ControlConnectionProvider, type DatabaseConnection } from 'kysely'
import { systemClock } from '../../calendar/clock.ts'
import { backoffMs, sleep } from '../../run/units/backoff.ts'
import type { Engine } from '../engines/engine.ts'

const RETRY = { attempts: Number.POSITIVE_INFINITY, minDelayMs: 100, maxDelayMs: 30_000 }

const neverAborts = new AbortController().signal

/**
 * Ends a connection that must not be used again, by ending its session; its pool then drops it. Where the server refuses,
 * it resolves once a rollback has succeeded: the connection is as good as any other then.
 */
export async function discardConnection(connection: DatabaseConnection, engine: Engine): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    if (engine.endSession !== undefined) {
      await outcomeOf(connection, engine.endSession)
      // Only with a further statement does the driver learn that the server has hung up.
      if (engine.isGone(await outcomeOf(connection, 'select 1'))) return
    }
    const outcome = await outcomeOf(connection, 'rollback')
    if (outcome === undefined || engine.isGone(outcome)) return
    await sleep(systemClock, backoffMs(RETRY, attempt), neverAborts)
  }
}

/**
 * Ends the session of a connection that does not answer, through another one, so that what it has locked is free. Never
 * rejects: where the driver cannot do it, or the server is away, the session ends when the server finds out.
 */
export async function endSession(connection: DatabaseConnection, other: ControlConnectionProvider): Promise<void> {
  try {
    await connection.collectSessionInfo?.()
    await connection.killSession?.(other)
  } catch {
    // There is nobody left to ask.
  }
}

/** The error of a statement; undefined when it succeeded. */
async function outcomeOf(connection: DatabaseConnection, statement: string): Promise<unknown> {
  try {
    await connection.executeQuery(CompiledQuery.raw(statement))
    return undefined
  } catch (error) {
    return error ?? new Error('The statement failed without an error')
  }
}
