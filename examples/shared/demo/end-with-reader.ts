/** Ends the process once nobody reads what it prints, as in `npm run demo | head`, which would otherwise be an error of its own. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
}
