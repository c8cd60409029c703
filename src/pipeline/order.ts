import { PipelineError } from '../errors.ts'

interface Orderable {
  readonly name: string
}

/**
 * Stages in an order in which each comes after those whose outputs it reads; otherwise as the host listed them.
 *
 * @throws {PipelineError} naming the stages of a cycle.
 */
export function orderStages<S extends Orderable>(
  stages: readonly S[],
  relations: { outputsOf(stage: S): readonly string[]; inputsOf(stage: S): readonly string[] },
): readonly S[] {
  const { outputsOf, inputsOf } = relations
  const writerOf = new Map(stages.flatMap((stage) => outputsOf(stage).map((output) => [output, stage] as const)))
  const ordered = new Set<S>()
  const path: S[] = []

  function visit(stage: S): void {
    if (ordered.has(stage)) return
    if (path.includes(stage)) {
      const cycle = [...path.slice(path.indexOf(stage)), stage].map(({ name }) => name)
      throw new PipelineError(`Stages read each other's tables in a cycle: ${cycle.join(' -> ')}`, cycle.slice(0, -1))
    }
    path.push(stage)
    for (const input of inputsOf(stage)) {
      const writer = writerOf.get(input)
      if (writer && writer !== stage) visit(writer)
    }
    path.pop()
    ordered.add(stage)
  }

  for (const stage of stages) visit(stage)
  return [...ordered]
}
