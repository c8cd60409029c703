const DAY_MS = 86_400_000

/** Every day from `from` to `to`, both included. */
export function datesBetween(from: string, to: string): readonly string[] {
  const [first, last] = [Date.parse(`${from}T00:00Z`), Date.parse(`${to}T00:00Z`)]
  const dates: string[] = []
  for (let at = first; at <= last; at += DAY_MS) dates.push(new Date(at).toISOString().slice(0, 10))
  return dates
}

/** 0 is Sunday. */
export function weekday(date: string): number {
  return new Date(`${date}T00:00Z`).getUTCDay()
}

const months = new Intl.DateTimeFormat('en', { month: 'short', year: 'numeric', timeZone: 'UTC' })

/** `Mar 2025`. */
export function monthOf(date: string): string {
  return months.format(new Date(`${date}T00:00Z`))
}
