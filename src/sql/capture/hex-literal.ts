/** Text as it stands in what triggers write. */
export function hexOf(text: string): string {
  return Buffer.from(text).toString('hex')
}
