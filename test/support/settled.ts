/** Resolves when everything that can go on without a timer or the outside world has gone on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}
