import type { Days } from '../net/api-types.ts'

const DAY_MS = 86_400_000

/** The first day that the API knows. */
const FIRST_DAY = '1900-01-01'

/** Whether this is a calendar day that the API takes, as `YYYY-MM-DD`. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || text < FIRST_DAY) return false
  const at = new Date(`${text}T00:00Z`)
  return !Number.isNaN(at.getTime()) && isoDate(at) === text
}

/** Every day from `from` to `to`, both included. */
export function datesBetween(from: string, to: string): readonly string[] {
  const [first, last] = [Date.parse(`${from}T00:00Z`), Date.parse(`${to}T00:00Z`)]
  const dates: string[] = []
  for (let at = first; at <= last; at += DAY_MS) dates.push(isoDate(new Date(at)))
  return dates
}

/** The days of a month, as `YYYY-MM`; `null`: there is no such month. */
export function daysOfMonth(month: string): Days | null {
  const from = `${month}-01`
  if (!isDate(from)) return null
  return { from, to: isoDate(new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0))) }
}

/** The month before that of a day. */
export function monthBefore(date: string): string {
  return isoDate(new Date(Date.UTC(Number(date.slice(0, 4)), Number(date.slice(5, 7)) - 2, 1))).slice(0, 7)
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

/** Days that are often asked for, by what they are called. None of them reaches into the future. */
export function presets(today: string): readonly (Days & { readonly label: string })[] {
  const [year, month] = [Number(today.slice(0, 4)), Number(today.slice(5, 7)) - 1]
  const day = (offset: number) => isoDate(new Date(Date.parse(`${today}T00:00Z`) + offset * DAY_MS))
  const ofMonth = (offset: number, date: number) => isoDate(new Date(Date.UTC(year, month + offset, date)))
  return [
    { label: 'Today', from: today, to: today },
    { label: 'Yesterday', from: day(-1), to: day(-1) },
    { label: 'Last 7 days', from: day(-6), to: today },
    { label: 'This month', from: ofMonth(0, 1), to: today },
    { label: 'Last month', from: ofMonth(-1, 1), to: ofMonth(0, 0) },
    { label: 'This year', from: `${today.slice(0, 4)}-01-01`, to: today },
  ]
}

/** Today where the reader is. */
export function today(now = new Date()): string {
  return isoDate(new Date(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate())))
}

function isoDate(at: Date): string {
  return at.toISOString().slice(0, 10)
}
