/** Below it are the ids of lanes that a run has opened; above it, those of halves. */
const FIRST_OF_HALVES = 2 ** 32

/**
 * The ids of the two halves of a lane. They follow from its own, so that whoever splits a lane asks nobody for a number, and
 * no two lanes of a job are ever called the same.
 *
 * Below a lane, halves are numbered like the nodes of a binary tree: the root is 1, the halves of n are 2n and 2n + 1. Twenty
 * generations fit into a safe integer: a lane of a million employees.
 */
export function halfIds(id: number): readonly [number, number] {
  const place = Math.floor(id / FIRST_OF_HALVES) || 1
  const root = id % FIRST_OF_HALVES
  const idAt = (child: number) => child * FIRST_OF_HALVES + root
  return [idAt(2 * place), idAt(2 * place + 1)]
}

/** The id of the lane that a lane was split from, once or often; its own when it is no half. */
export function rootOf(id: number): number {
  return id % FIRST_OF_HALVES
}
