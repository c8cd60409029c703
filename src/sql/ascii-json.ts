/**
 * JSON in ASCII: what is beyond is escaped, so that no connection's or column's charset can alter it, and PostgreSQL, which
 * takes no NUL in text, sees none.
 */
export function asciiJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  return escapeToAscii(JSON.stringify(value, replacer))
}

/** The same JSON with what is beyond ASCII escaped. */
export function escapeToAscii(json: string): string {
  return json.replace(/[\u007F-\uFFFF]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
