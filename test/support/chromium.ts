import { type Browser, chromium } from 'playwright-core'
import { inject } from 'vitest'
import { urlFrom } from './server-url.ts'

/** The test run's Chromium, for visits with profiles of their own. Closing it ends the visits, not the browser. */
export async function connectChromium(): Promise<Browser> {
  return await chromium.connect(await urlFrom(inject('chromiumLauncher')))
}
