import type { RunControl } from '../run/run-control.ts'

/** Works on so many at once, and gives what comes of them in their order. Nothing goes on once the caller has left. */
export async function* inParallel<T, R>(
  items: AsyncIterable<T>,
  work: (item: T) => Promise<R>,
  most: number,
  control: RunControl,
): AsyncGenerator<R> {
  const going: Promise<R>[] = []
  try {
    for await (const item of items) {
      if (control.stopped) return
      const next = work(item)
      next.catch(() => {}) // it is awaited in its turn
      going.push(next)
      if (going.length >= most) yield await (going.shift() as Promise<R>)
    }
    while (going.length > 0 && !control.stopped) yield await (going.shift() as Promise<R>)
  } finally {
    if (going.length > 0) control.stop({ status: 'cancelled', cause: new Error('The preview was left') })
    await Promise.allSettled(going)
  }
}
