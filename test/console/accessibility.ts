import axe, { type AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

/** What axe finds wrong with a page as it is now: rules, and the elements that break them. */
export async function faultsOf(page: Page): Promise<readonly string[]> {
  // Evaluated from outside, which the page's policy does not forbid.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<AxeResults>('axe.run(document)')
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}
