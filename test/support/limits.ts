/** Milliseconds that only a hang takes, however busy the machine is. */
export const HANGS_MS = 120_000
