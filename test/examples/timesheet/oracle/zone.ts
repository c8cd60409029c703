// Clock and calendar by brute force: every minute of some days is asked what the wall clock shows.
const formats = new Map<string, Intl.DateTimeFormat>()
const shown = new Map<string, { date: string; minute: number }>()
const DAY = 86_400_000

/** What the wall clock shows at an instant: the date and the minute of the day. */
function wallAt(instant: number, zone: string): { date: string; minute: number } {
  const minuteStart = Math.floor(instant / 60_000) * 60_000
  const key = `${zone} ${minuteStart}`
  let found = shown.get(key)
  if (!found) {
    let format = formats.get(zone)
    if (!format) {
      format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
      formats.set(zone, format)
    }
    const [date = '', time = ''] = format.format(minuteStart).split(' ')
    const [hour, minute] = time.split(':').map(Number)
    found = { date, minute: hour! * 60 + minute! }
    shown.set(key, found)
  }
  return found
}

const firsts = new Map<string, number>()

/** The first instant at which the clock shows this minute of the date, or a later one of it, or a later date. */
function firstInstant(date: string, minute: number, zone: string): number {
  const key = `${zone} ${date} ${minute}`
  let found = firsts.get(key)
  if (found === undefined) {
    found = Date.parse(`${date}T00:00:00Z`) + minute * 60_000 - 15 * 3_600_000
    for (;;) {
      const wall = wallAt(found, zone)
      if (wall.date > date || (wall.date === date && wall.minute >= minute)) break
      found += 60_000
    }
    firsts.set(key, found)
  }
  return found
}

export function clockTime(date: string, time: string, zone: string): number {
  const [hour, minute] = time.split(':').map(Number)
  return firstInstant(date, hour! * 60 + minute!, zone)
}

export function nextDate(date: string, days = 1): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10)
}

export function dayStart(date: string, zone: string): number {
  return firstInstant(date, 0, zone)
}

export function dayEnd(date: string, zone: string): number {
  return firstInstant(nextDate(date), 0, zone)
}

export function dateAt(instant: number, zone: string): string {
  let date = nextDate(new Date(instant).toISOString().slice(0, 10), -2)
  while (dayEnd(date, zone) <= instant) date = nextDate(date)
  return date
}

/** Whether a multiple of `step` minutes is shown at this whole minute for the first time since the minute before, or was leapt over. */
function isMark(minuteStart: number, step: number, zone: string): boolean {
  const now = wallAt(minuteStart, zone)
  if (now.minute % step === 0) return true
  const before = wallAt(minuteStart - 60_000, zone)
  if (before.date !== now.date) {
    // From before midnight to behind it: the midnight itself was leapt over.
    return before.date < now.date
  }
  for (let minute = before.minute + 1; minute < now.minute; minute++) if (minute % step === 0) return true
  return false
}

export function markFrom(instant: number, step: number, zone: string): number {
  for (let at = Math.ceil(instant / 60_000) * 60_000; ; at += 60_000) if (isMark(at, step, zone)) return at
}

export function markUntil(instant: number, step: number, zone: string): number {
  for (let at = Math.floor(instant / 60_000) * 60_000; ; at -= 60_000) if (isMark(at, step, zone)) return at
}
