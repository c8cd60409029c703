import { accessSync, constants } from 'node:fs'
import { chromium } from 'playwright-core'
import { installPackages, which } from './programs.ts'

/** Headless, without anything that a browser does by itself behind its user's back. */
const OPTIONS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts a headless Chromium to which test files connect. @throws {Error} that says what to install or to set. */
export async function startChromium(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = await chromium.launchServer({ executablePath: await chromiumProgram(), args: OPTIONS })
  return { url: server.wsEndpoint(), stop: () => server.close() }
}

/** Chromium as it is installed; root on Debian gets it installed. */
async function chromiumProgram(): Promise<string> {
  const set = process.env.RECALC_TEST_CHROMIUM
  if (set) {
    accessSync(set, constants.X_OK)
    return set
  }
  const present = which('chromium')
  if (present) return present
  await installPackages(['chromium'])
  const installed = which('chromium')
  if (installed) return installed
  throw new Error(
    'Expected chromium on the PATH, found none. Install it (Debian: apt-get install chromium), or set RECALC_TEST_CHROMIUM ' +
      'to the path of a Chromium or Chrome',
  )
}
