const NAME = 'recalc-service.api-key'

/** The API key that was typed in: kept for this tab, until it is closed or somebody forgets it. */
export const sessionKey = {
  read(): string | null {
    return sessionStorage.getItem(NAME)
  },
  keep(key: string): void {
    sessionStorage.setItem(NAME, key)
  },
  forget(): void {
    sessionStorage.removeItem(NAME)
  },
}
