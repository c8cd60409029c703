import type { Screen } from './screen.ts'
import { correctionsScreen } from './screens/corrections.tsx'
import { freshnessScreen } from './screens/freshness.tsx'
import { jobsScreen } from './screens/jobs.tsx'
import { startScreen } from './screens/start.tsx'

/** Everything that the navigation leads to, in its order; the first is where one arrives. */
export const SCREENS: readonly [Screen, ...Screen[]] = [jobsScreen, startScreen, freshnessScreen, correctionsScreen]
