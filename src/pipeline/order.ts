import { PipelineError } from '../errors.ts'

interface Orderable {
  readonly name: string
  readonly writes: readonly string[]
}

/**
 * Stages in an order in which each comes after those whose tables it reads; otherwise as the host listed them.
 *
 * @throws {PipelineError} naming the stages of a cycle.
 */
export function orderStages<S extends Orderable>(
  stages: readonly S[],
  tablesReadBy: (stage: S) => readonly string[],
): readonly S[] {
  const writerOf = new Map(stages.flatMap((stage) => stage.writes.map((table) => [table, stage] as const)))
  const ordered = new Set<S>()
  const path: S[] = []

  function visit(stage: S): void {
    if (ordered.has(stage)) return
    if (path.includes(stage)) {
      const cycle = [...path.slice(path.indexOf(stage)), stage].map(({ name }) => name)
      throw new PipelineError(`Stages read each other's tables in a cycle: ${cycle.join(' -> ')}`, cycle.slice(0, -1))
    }
    path.push(stage)
    for (const table of tablesReadBy(stage)) {
      const writer = writerOf.get(table)
      if (writer && writer !== stage) visit(writer)
    }
    path.pop()
    ordered.add(stage)
  }

  for (const stage of stages) visit(stage)
  return [...ordered]
}
