/**
 * JSON in ASCII: what is beyond is escaped, so that no connection's or column's charset can alter it, and PostgreSQL, which
 * takes no NUL in text, sees none.
 */
export function asciiJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  return JSON.stringify(value, replacer).replace(
    /[\u007F-\uFFFF]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
