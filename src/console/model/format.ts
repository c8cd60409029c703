const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 2, notation: 'compact' })

export function formatCount(count: number): string {
  return whole.format(count)
}

/** `1 day`, `2 days`. */
export function formatPlural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** Rounded down: 100 % is said only when everything is done. */
export function formatPercent(share: number): string {
  return `${Math.floor(share * 100 + 1e-9)} %`
}

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 0.95) return seconds <= 0 ? '0 s' : `${Math.max(0.1, seconds).toFixed(1)} s`
  const rounded = Math.round(seconds)
  if (rounded < 60) return `${rounded} s`
  const [hours, minutes] = [Math.floor(rounded / 3_600), Math.floor(rounded / 60) % 60]
  if (hours === 0) return `${minutes} min ${twoDigits(rounded % 60)} s`
  return `${formatCount(hours)} h ${twoDigits(minutes)} min`
}

export function formatRate(daysPerSecond: number): string {
  return daysPerSecond >= 1_000 ? short.format(daysPerSecond) : String(Number(daysPerSecond.toPrecision(2)))
}

/** In the reader's own zone: `2025-03-04 14:05:09`. */
export function formatInstant(iso: string): string {
  const at = new Date(iso)
  if (Number.isNaN(at.getTime())) return iso
  const date = [at.getFullYear(), twoDigits(at.getMonth() + 1), twoDigits(at.getDate())].join('-')
  return `${date} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':')}`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
