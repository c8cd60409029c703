import { accessSync, constants } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
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

/** A headless Chromium with an empty profile. Whoever launches it closes it. @throws {Error} that says what to install or to set. */
export async function launchChromium(): Promise<Browser> {
  return await chromium.launch({ executablePath: await chromiumProgram(), args: OPTIONS })
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
