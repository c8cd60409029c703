/** A table in plain text: columns of words to the left, columns of figures to the right. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '  (none)'
  const columns = head.map((name, index) => {
    const cells = rows.map((row) => row[index] ?? '')
    const width = Math.max(name.length, ...cells.map((cell) => cell.length))
    const isFigures = cells.every((cell) => /^[\d,.]+( h \d+ min|%)?$/.test(cell))
    return (cell: string) => (isFigures ? cell.padStart(width) : cell.padEnd(width))
  })
  return [head, ...rows]
    .map((row) => `  ${columns.map((align, index) => align(row[index] ?? '')).join('  ')}`.trimEnd())
    .join('\n')
}
