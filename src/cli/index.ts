export type { RecalcForCli } from './command-context.ts'
export { ProgressBar, type Screen } from './progress-bar.ts'
export { type CliOptions, runCli } from './run-cli.ts'
export { textTable } from './text-table.ts'
