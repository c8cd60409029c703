import type { RecalcTx, TableNames } from '../tables.ts'

/** For engines that lock only the rows that they delete, whatever else they read on the way. */
export async function deleteLanes(
  tx: RecalcTx,
  names: TableNames,
  jobId: string,
  laneIds: readonly number[],
): Promise<void> {
  await tx.deleteFrom(names.lanes).where('job_id', '=', jobId).where('lane_id', 'in', laneIds).execute()
}
