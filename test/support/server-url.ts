/** The URL of the test run's server, without a database. */
export async function urlFrom(launcher: string): Promise<string> {
  const answer = await fetch(launcher)
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  return text
}
