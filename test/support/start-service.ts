import { BackendUnavailableError, CallTimeoutError, type RecalcService } from '../../src/index.ts'

/** As a supervisor does that starts a process again while the database is away. */
export async function startUntilReachable(service: Pick<RecalcService, 'start'>): Promise<void> {
  for (;;) {
    try {
      return await service.start()
    } catch (error) {
      if (!(error instanceof BackendUnavailableError || error instanceof CallTimeoutError)) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
