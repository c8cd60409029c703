/** Calls `work` at once, and again after `ms` at the earliest, however often it is asked to; the last call is never lost. */
export function throttle(ms: number, work: () => Promise<void>): () => void {
  let busy = false
  let again = false
  const run = async (): Promise<void> => {
    busy = true
    again = false
    await Promise.all([work(), new Promise((resolve) => setTimeout(resolve, ms))])
    busy = false
    if (again) void run()
  }
  return () => {
    if (busy) again = true
    else void run()
  }
}
