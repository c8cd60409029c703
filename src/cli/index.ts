/**
 * A command line for operators: `runCli` is all that a host's script calls. It needs commander.
 *
 * @module recalc-service/cli
 */

export type { RecalcForCli } from './command-context.ts'
export type { Maintained } from './maintenance-commands.ts'
export { ProgressBar, type Screen } from './progress-bar.ts'
export { type CliOptions, runCli } from './run-cli.ts'
export { textTable } from './text-table.ts'
