import { Command, CommanderError } from 'commander'
import { isReaderGone, onBrokenOutput } from './broken-output.ts'
import { changeCommands } from './change-commands.ts'
import type { CommandContext, RecalcForCli } from './command-context.ts'
import { correctionsCommand } from './corrections-command.ts'
import { EXIT, exitCodeOfError } from './exit-code.ts'
import { historyCommand } from './history-command.ts'
import { jobCommands } from './job-commands.ts'
import { type Maintained, maintenanceCommands } from './maintenance-commands.ts'
import { Output } from './output.ts'
import { previewCommand } from './preview-command.ts'
import type { Screen } from './progress-bar.ts'
import { startCommands } from './start-commands.ts'

/** What a command line works with, besides the service. */
export interface CliOptions {
  /** For `migrate`, `purge` and `purge-history`: what `sqlBackend` gives. Without it these commands are not there. */
  readonly backend?: Maintained
  /** How the program is called in its help. Default `recalc`. */
  readonly name?: string
  /** Default: the process's. */
  readonly stdout?: Screen
  /** Where errors go. Default: the process's own. */
  readonly stderr?: Screen
  /** Ends what is going on, as Ctrl-C does. Default: SIGINT and SIGTERM. */
  readonly signal?: AbortSignal
}

/**
 * Runs one command of a command line, stops the service, and resolves with the exit code. Jobs that it starts or resumes run
 * in this process; Ctrl-C leaves them `interrupted`, and any service that was started takes them up.
 *
 * @param argv The words behind the program's name: `process.argv.slice(2)`.
 * @example
 * process.exitCode = await runCli(recalc, process.argv.slice(2), { backend })
 * await db.destroy()
 */
export async function runCli(recalc: RecalcForCli, argv: readonly string[], options: CliOptions = {}): Promise<number> {
  const { name = 'recalc', stdout = process.stdout, stderr = process.stderr } = options
  const ended = new AbortController()
  const end = () => ended.abort()
  if (options.signal) options.signal.addEventListener('abort', end, { once: true })
  else for (const signal of SIGNALS) process.once(signal, end)
  if (options.signal?.aborted) end()

  let code: number = EXIT.done
  let unwritten: Error | undefined
  const stopListening = onBrokenOutput([stdout, stderr], (error) => {
    if (!isReaderGone(error)) unwritten ??= error
    end()
  })
  const program = new Command(name)
  const output = () => new Output({ isJson: program.opts().json === true, out: stdout, err: stderr })
  const context: CommandContext = {
    recalc,
    output,
    signal: ended.signal,
    exitWith: (other) => {
      code = other
    },
  }
  program
    .description('Looks at and directs recalculations.')
    .option('--json', 'print JSON for programs')
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
  const commands = [
    ...jobCommands(context),
    ...startCommands(context),
    ...changeCommands(context),
    historyCommand(context),
    previewCommand(context),
    correctionsCommand(context),
  ]
  if (options.backend) commands.push(...maintenanceCommands(context, options.backend))
  for (const command of commands) program.addCommand(command.copyInheritedSettings(program))
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    code = error instanceof CommanderError ? usageCode(error) : exitCodeOfError(error, (it) => recalc.isTransient(it))
    if (!(error instanceof CommanderError)) output().error(error)
  } finally {
    for (const signal of SIGNALS) process.off(signal, end)
    options.signal?.removeEventListener('abort', end)
    await recalc.stop()
  }
  if (unwritten) output().error(unwritten)
  else stopListening()
  return unwritten && code === EXIT.done ? EXIT.failed : code
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Commander ends with 0 after a help that was asked for, otherwise with 1. */
function usageCode({ exitCode }: CommanderError): number {
  return exitCode === 0 ? EXIT.done : EXIT.badUsage
}
